#include "cnode/setup.h"

#include <algorithm>

namespace drey::cnode {

Setup::Setup(asio::io_context& io, std::shared_ptr<Stream> stream, Machine machine,
             std::chrono::milliseconds deadline, Done done)
    : stream_(std::move(stream)),
      machine_(std::move(machine)),
      deadline_(deadline),
      done_(std::move(done)),
      timer_(io) {}

const handshake::Peer& Setup::peer() const {
  return std::visit([](const auto& machine) -> const handshake::Peer& { return machine.peer(); }, machine_);
}

void Setup::queue(View message) {
  Writer out(out_);
  if (stream_->handshake_header() == 2)
    out.u16(static_cast<std::uint16_t>(message.size()));
  else
    out.u32(static_cast<std::uint32_t>(message.size()));
  out.raw(message);
}

void Setup::start() {
  timer_.expires_after(deadline_);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->abort("the handshake took too long");
  });
  stream_->async_open([self = shared_from_this()](const error_code& error) {
    if (!self->done_) return;
    if (error) return self->finish(error.message());
    if (const auto* initiator = std::get_if<handshake::Initiator>(&self->machine_)) {
      self->queue(initiator->begin());
      return self->write();
    }
    self->read();
  });
}

void Setup::abort(const std::string& why) { finish(last_.empty() ? why : last_); }

void Setup::read() {
  stream_->async_read_some(asio::buffer(in_.data() + filled_, in_.size() - filled_),
                           [self = shared_from_this()](const error_code& error, std::size_t count) {
                             if (!self->done_) return;
                             if (error)
                               return self->finish(error == asio::error::eof
                                                       ? "the peer hung up in the handshake"
                                                       : error.message());
                             self->filled_ += count;
                             self->messages();
                           });
}

/// Feeds whole messages to the machine until it has something to say or wants more.
void Setup::messages() {
  const std::size_t header = stream_->handshake_header();
  std::size_t at = 0;
  try {
    while (!machine_done_ && out_.empty() && filled_ - at >= header) {
      Reader in(View(in_.data() + at, filled_ - at));
      const std::size_t length = header == 2 ? in.u16() : in.u32();
      if (length > handshake::max_message)
        throw Error("refused", fmt::format("a handshake message of {} bytes: no Erlang node", length));
      if (in.left() < length) break;
      const handshake::Step step =
          std::visit([&](auto& machine) { return machine.receive(in.take(length)); }, machine_);
      at += header + length;
      machine_done_ = step.done;
      if (step.split > 0) {
        queue(View(step.send).first(step.split));
        queue(View(step.send).subspan(step.split));
      } else if (!step.send.empty()) {
        queue(step.send);
      }
    }
  } catch (const Error& error) {
    last_ = error.message();
    const auto* acceptor = std::get_if<handshake::Acceptor>(&machine_);
    if (acceptor == nullptr || acceptor->last_word().empty()) return finish(last_);
    queue(acceptor->last_word());
  }
  std::copy(in_.begin() + static_cast<std::ptrdiff_t>(at), in_.begin() + static_cast<std::ptrdiff_t>(filled_),
            in_.begin());
  filled_ -= at;
  if (!out_.empty()) return write();
  if (machine_done_) return finish({});
  read();
}

void Setup::write() {
  stream_->async_write_some(
      {asio::buffer(out_)}, [self = shared_from_this()](const error_code& error, std::size_t count) {
        if (!self->done_) return;
        if (error) return self->finish(error.message());
        self->out_.erase(self->out_.begin(), self->out_.begin() + static_cast<std::ptrdiff_t>(count));
        if (!self->out_.empty()) return self->write();
        if (!self->last_.empty()) return self->finish(self->last_);
        if (self->machine_done_) return self->finish({});
        self->messages();
      });
}

void Setup::finish(const std::string& error) {
  const Done done = std::exchange(done_, nullptr);
  if (!done) return;
  const auto self = shared_from_this();
  timer_.cancel();
  if (!error.empty()) stream_->close();
  done(error, peer(), View(in_.data(), filled_));
}

}  // namespace drey::cnode
