#include "cnode/processes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cnode/raw.h"

namespace drey::cnode {
namespace {

TEST(Processes, AreFoundByPidNumberAndName) {
  Processes processes("a@h", 5);
  Process& server = processes.spawn_registered("drey");
  Process& call = processes.spawn();
  EXPECT_EQ(processes.find_pid(call.pid), &call);
  EXPECT_EQ(processes.find(call.number), &call);
  EXPECT_EQ(processes.find_name("drey"), &server);
  EXPECT_EQ(processes.find_target(raw::make_atom("drey")), &server);
  EXPECT_EQ(processes.find_target(server.pid), &server);
  EXPECT_EQ(processes.find_name("dre"), nullptr);
  EXPECT_EQ(processes.calls(), 1u);
}

TEST(Processes, TakenOnesAreGone) {
  Processes processes("a@h", 5);
  const std::uint64_t number = processes.spawn().number;
  const Id pid = processes.find(number)->pid;
  const auto taken = processes.take(number);
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(processes.take(number), nullptr);
  EXPECT_EQ(processes.find_pid(pid), nullptr);
  EXPECT_FALSE(processes.spawn().pid == pid);
}

TEST(Processes, PidsOfAnEarlierLifeAreNobody) {
  Processes before("a@h", 5), now("a@h", 5);
  const Id pid = before.spawn().pid;
  (void)now.spawn();
  now.set_creation(6);
  EXPECT_EQ(now.find_pid(pid), nullptr);
}

TEST(Processes, ReferencesAreNew) {
  Processes processes("a@h", 5);
  const Bytes first = processes.new_reference();
  EXPECT_TRUE(raw::is_reference(first));
  EXPECT_NE(first, processes.new_reference());
}

}  // namespace
}  // namespace drey::cnode
