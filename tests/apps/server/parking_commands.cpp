// Commands that wait, added by this file alone, as a program can add its own commands.
// The file is part of troupe-tests and of troupe-parking-server, a troupe-server with
// these commands.
//
//   TEST.PARK key [milliseconds]   waits for TEST.WAKE; replies null after that time
//   TEST.WAKE key value            lets another thread answer all commands that wait
//                                  for the key; replies how many it has answered
//   TEST.DROP key                  drops the tickets of these commands unanswered
//   TEST.TICKETS                   the number of tickets that still wait, and of
//                                  tickets that were cancelled so far

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <troupe/messages/types/text/integer.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/calls/ticket.hpp"
#include "apps/server/commands/command_table.hpp"

namespace {

using namespace troupe::server;
namespace error_text = troupe::resp::error_text;

std::atomic<std::int64_t> cancelled{0};

struct parked {
  explicit parked(ticket x)
    : answer(std::move(x)), gone(answer.cancelled(), [] { ++cancelled; }) {
    // nop
  }

  ticket answer;
  std::stop_callback<std::function<void()>> gone;
};

using parked_list = std::list<parked>;

/// The waiting commands, by key. Thread-safe.
class parking_lot {
public:
  void add(const std::string& key, ticket x) {
    parked_list added;
    added.emplace_back(std::move(x));
    std::lock_guard lock{mutex_};
    auto& all = waiting_[key];
    all.splice(all.end(), added);
  }

  parked_list take(const std::string& key) {
    std::lock_guard lock{mutex_};
    const auto found = waiting_.extract(key);
    return found ? std::move(found.mapped()) : parked_list{};
  }

  std::int64_t count() {
    std::int64_t result = 0;
    std::lock_guard lock{mutex_};
    for (const auto& [key, all] : waiting_)
      for (const auto& x : all)
        result += x.answer.expired() ? 0 : 1;
    return result;
  }

private:
  std::mutex mutex_;
  std::map<std::string, parked_list> waiting_;
};

parking_lot& lot() {
  static parking_lot instance;
  return instance;
}

void park(command_call& call) {
  deferral how;
  if (call.words.size() > 2) {
    const auto time = troupe::parse_integer(call.words[2]);
    if (!time || *time < 0)
      return call.reply.error(error_text::not_an_integer);
    how.timeout = std::chrono::milliseconds{*time};
    how.timed_out = [](auto& reply) { reply.null(); };
  }
  const std::string key{call.words[1]};
  if (auto answer = defer(call, std::move(how)); !answer.expired())
    lot().add(key, std::move(answer));
}

void wake(command_call& call) {
  auto all = lot().take(std::string{call.words[1]});
  const std::string value{call.words[2]};
  std::int64_t count = 0;
  std::thread{[&] {
    for (const auto& x : all)
      count += x.answer.answer([value](auto& reply) { reply.bulk(value); });
  }}.join();
  call.reply.integer(count);
}

void drop(command_call& call) {
  call.reply.integer(
    static_cast<std::int64_t>(lot().take(std::string{call.words[1]}).size()));
}

void tickets(command_call& call) {
  call.reply.array(2);
  call.reply.integer(lot().count());
  call.reply.integer(cancelled);
}

using flag = command_flag;

constexpr std::array commands{
  command{"test.park", -2, flag::noscript, {}, "test", "7.0.0", "Wait", park},
  command{"test.wake", 3, {}, {}, "test", "7.0.0", "Answer", wake},
  command{"test.drop", 2, {}, {}, "test", "7.0.0", "Give up", drop},
  command{"test.tickets", 1, flag::fast, {}, "test", "7.0.0", "Count", tickets},
};

const bool added = add_commands(commands).has_value();

} // namespace

/// Whether the table of commands has accepted them. For a test.
bool parking_commands_added() {
  return added;
}
