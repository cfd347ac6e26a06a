#include "cnode/spin.h"

namespace drey::cnode {

void Spin::begin(Time now) { began_ = looked_ = now; }

bool Spin::look(Time now) {
  if (now - looked_ > lost) polite_until_ = now + polite;
  looked_ = now;
  return pays_ && now - began_ < longest_ && now >= polite_until_;
}

void Spin::came(Time now, bool slept) {
  if (slept) pays_ = now - began_ < longest_;
}

}  // namespace drey::cnode
