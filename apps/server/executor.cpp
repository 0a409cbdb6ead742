#include "apps/server/executor.hpp"

#include <array>
#include <new>
#include <string>

#include "apps/server/error_text.hpp"

namespace troupe::server {

namespace {

// The calls of `what` that follow each other from `first` on.
class call_run {
public:
  call_run(const command& what, const command_batch& batch,
           std::size_t first) noexcept {
    const auto name = batch[first][0];
    const auto end = std::min(batch.size(), first + calls_.size());
    for (auto i = first; i < end; ++i) {
      const auto words = batch[i];
      if (words[0] != name || !what.accepts(words.size()))
        break;
      calls_[size_++] = words;
    }
  }

  [[nodiscard]] std::span<const arguments> calls() const noexcept {
    return {calls_.data(), size_};
  }

private:
  std::array<arguments, defaults::batch_size> calls_;
  std::size_t size_ = 0;
};

void run_one(command_call& call) {
  call.reply.begin();
  try {
    call.what.run(call);
  } catch (const std::bad_alloc&) {
    call.reply.rollback();
    call.reply.error(error_text::out_of_memory);
  }
  call.reply.end();
}

} // namespace

std::size_t executor::run(const command_batch& batch, std::size_t first,
                          client& self, reply_writer& reply) {
  auto next = first;
  reply.protocol(self.protocol);
  do
    next += run_next(batch, next, self, reply);
  while (next < batch.size() && !self.leaving
         && reply.pending() < defaults::flush_size);
  counters_.commands.add(next - first);
  return next;
}

std::size_t executor::run_next(const command_batch& batch, std::size_t first,
                               client& self, reply_writer& reply) {
  const auto words = batch[first];
  std::string refusal;
  const auto* what = resolve(words, refusal);
  if (what == nullptr) {
    reply.error(refusal);
    return 1;
  }
  command_call call{db_, self, server_, counters_, reply, *what, words};
  if (what->run_many != nullptr && first + 1 < batch.size()) {
    const call_run run{*what, batch, first};
    if (run.calls().size() > 1)
      return what->run_many(call, run.calls());
  }
  run_one(call);
  return 1;
}

} // namespace troupe::server
