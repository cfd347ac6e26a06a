#include "cnode/options.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "error.h"

namespace drey::cnode {
namespace {

ParsedOptions parse(std::vector<std::string> arguments) {
  unsetenv("ERL_EPMD_PORT");
  return parse_options(arguments, "1.2.3");
}

TEST(Options, DefaultsAreThoseOfAnErlangNode) {
  const auto [options, leave] = parse({"--name", "gpu1@127.0.0.1"});
  ASSERT_FALSE(leave);
  EXPECT_EQ(options.name, "gpu1@127.0.0.1");
  EXPECT_TRUE(options.epmd);
  EXPECT_EQ(options.epmd_port, 4369);
  EXPECT_EQ(options.first_port, 0);
  EXPECT_EQ(options.tick_time, std::chrono::seconds(60));
}

TEST(Options, AllAreRead) {
  const auto [options, leave] = parse({"--sname", "g@h", "--dist-ports", "9100-9200", "--listen", "127.0.0.1",
                                       "--no-epmd", "--device", "1", "--epmd-port", "5000", "--cookie-file",
                                       "f", "--connect", "a@b", "--connect", "c@d", "--log-level", "warn"});
  ASSERT_FALSE(leave) << leave->text;
  EXPECT_FALSE(options.long_names);
  EXPECT_EQ(options.first_port, 9100);
  EXPECT_EQ(options.last_port, 9200);
  EXPECT_FALSE(options.epmd);
  EXPECT_EQ(options.device, 1);
  EXPECT_EQ(options.connect.size(), 2u);
}

TEST(Options, TheEpmdPortComesFromTheEnvironmentToo) {
  setenv("ERL_EPMD_PORT", "5001", 1);
  EXPECT_EQ(parse_options({"--name", "a@b.c"}, "").options.epmd_port, 5001);
  EXPECT_EQ(parse_options({"--name", "a@b.c", "--epmd-port", "5002"}, "").options.epmd_port, 5002);
  setenv("ERL_EPMD_PORT", "x", 1);
  EXPECT_TRUE(parse_options({"--name", "a@b.c"}, "").leave);
  unsetenv("ERL_EPMD_PORT");
}

TEST(Options, AFileHoldsThemAndTheCommandLineWins) {
  const auto file = std::filesystem::temp_directory_path() / ("drey_options_" + std::to_string(::getpid()));
  std::ofstream(file) << "name = \"a@b.c\"\ndist-ports = \"9100-9200\"\nmax-jobs = 7\n";
  const auto [options, leave] = parse({"--config", file.string(), "--max-jobs", "8"});
  std::filesystem::remove(file);
  ASSERT_FALSE(leave) << leave->text;
  EXPECT_EQ(options.name, "a@b.c");
  EXPECT_EQ(options.last_port, 9200);
  EXPECT_EQ(options.max_jobs, 8u);
}

TEST(Options, AFileWithAMistakeIsRefused) {
  const auto file = std::filesystem::temp_directory_path() / ("drey_mistake_" + std::to_string(::getpid()));
  const auto said = [&](const std::string& lines) {
    std::ofstream(file) << "name = \"a@b.c\"\n" << lines;
    const auto parsed = parse({"--config", file.string()});
    EXPECT_TRUE(parsed.leave) << lines;
    EXPECT_EQ(parsed.leave ? parsed.leave->status : 0, 2);
    return parsed.leave ? parsed.leave->text : std::string();
  };
  EXPECT_NE(said("dist-port = \"9100\"\n")
                .find(file.string() + ": there is no option dist-port; did you mean dist-ports?"),
            std::string::npos);
  EXPECT_NE(said("zzzzzzzz = 1\n").find("there is no option zzzzzzzz; --help"), std::string::npos);
  EXPECT_NE(said("[section]\nmax-jobs = 1\n").find("leave [section] out"), std::string::npos);
  EXPECT_NE(said("max jobs\n").find("max"), std::string::npos);
  EXPECT_NE(said("max-jobs = many\n").find("--max-jobs"), std::string::npos);
  EXPECT_NE(said("name = \"b@b.c\"\n").find("--name"), std::string::npos);
  said("config = \"other\"\n");
  said("log-format = \"xml\"\n");
  std::filesystem::remove(file);
  EXPECT_NE(parse({"--config", file.string()}).leave->text.find(file.string()), std::string::npos);
}

TEST(Options, MistakesAreSaid) {
  const auto mistake = [](std::vector<std::string> arguments) {
    const auto parsed = parse(std::move(arguments));
    EXPECT_TRUE(parsed.leave);
    EXPECT_EQ(parsed.leave ? parsed.leave->status : 0, 2);
    return parsed.leave ? parsed.leave->text : std::string();
  };
  EXPECT_NE(mistake({}).find("give the node a name"), std::string::npos);
  EXPECT_NE(mistake({"--name", "gpu1@host"}).find("use --sname"), std::string::npos);
  mistake({"--name", "a@b.c", "--sname", "a@b"});
  mistake({"--name", "a@b.c", "--dist-ports", "9200-9100"});
  mistake({"--name", "a@b.c", "--dist-ports", "0x10"});
  mistake({"--name", "a@b.c", "--dist-ports", "99999"});
  mistake({"--name", "a@b.c", "--no-epmd"});
  mistake({"--name", "a@b.c", "--max-jobs", "0"});
  mistake({"--name", "a@b.c", "--connect", "nobody"});
  mistake({"--name", "a@b.c", "--log-level", "loud"});
  EXPECT_NE(mistake({"--name", "a@b.c", "--setcookie", "x"}).find("there is no option --setcookie"),
            std::string::npos);
  EXPECT_NE(mistake({"--name", "a@b.c", "--dist-port", "9100"}).find("did you mean --dist-ports?"),
            std::string::npos);
  EXPECT_NE(mistake({"--name", "a@b.c", "--max-job=7"}).find("did you mean --max-jobs?"), std::string::npos);
  EXPECT_NE(mistake({"--name", "a@b.c", "stray"}).find("'stray' belongs to no option"), std::string::npos);
  EXPECT_NE(mistake({"--name", "a@b.c", "--ssl-dist-optfile", "/no/such"}).find("/no/such"),
            std::string::npos);
  mistake({"--name", "a@b.c", "--ssl-dist-optfile", "x", "--tls-certfile", "y", "--tls-keyfile", "z"});
}

TEST(Options, HelpAndVersionLeaveWithSuccess) {
  const auto version = parse({"--version"});
  ASSERT_TRUE(version.leave);
  EXPECT_EQ(version.leave->status, 0);
  EXPECT_NE(version.leave->text.find("1.2.3"), std::string::npos);
  const auto help = parse({"--help"});
  ASSERT_TRUE(help.leave);
  EXPECT_EQ(help.leave->status, 0);
  EXPECT_NE(help.leave->text.find("--dist-ports"), std::string::npos);
}

}  // namespace
}  // namespace drey::cnode
