#include "apps/server/calls/ticket.hpp"

#include <string>
#include <utility>

#include "apps/resp/error_text.hpp"
#include "apps/server/clients/unfinished_command.hpp"
#include "apps/server/state/client_registry.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

reply_function error_reply(std::string text) {
  return [text = std::move(text)](resp::reply_writer& to) { to.error(text); };
}

/// The client's side of a ticket: the client waits as long as this object lives.
class deferred_command final : public unfinished_command {
public:
  deferred_command(command_call& call, std::shared_ptr<answer_slot> slot)
    : server_(call.server), record_(call.self.record), slot_(std::move(slot)) {
    if (record_ != nullptr)
      server_.clients.note_waiting(*record_, [slot = slot_](unblocking how) {
        return how == unblocking::error ? slot->interrupt(error_text::unblocked)
                                        : slot->time_over();
      });
    server_.waiting_clients.fetch_add(1, std::memory_order_relaxed);
  }

  ~deferred_command() override {
    slot_->cancel();
    server_.waiting_clients.fetch_sub(1, std::memory_order_relaxed);
    if (record_ != nullptr)
      server_.clients.note_waiting(*record_, {});
  }

  deferred_command(const deferred_command&) = delete;
  deferred_command& operator=(const deferred_command&) = delete;

  bool go_on(resp::reply_writer& reply,
             std::chrono::steady_clock::time_point) override {
    slot_->write(reply);
    return true;
  }

  [[nodiscard]] bool waits() const noexcept override {
    return !slot_->answered();
  }

  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point>
  end() const noexcept override {
    return slot_->end();
  }

  void time_over() override {
    slot_->time_over();
  }

private:
  server_state& server_;
  const std::shared_ptr<client_record> record_;
  const std::shared_ptr<answer_slot> slot_;
};

} // namespace

/// Shared by all copies of a ticket. The destructor answers with an error.
class ticket::holder {
public:
  explicit holder(std::shared_ptr<answer_slot> to)
    : slot(std::move(to)),
      given_up_(error_reply(std::string{error_text::internal})) {
    // nop
  }

  ~holder() {
    slot->put(std::move(given_up_));
  }

  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;

  const std::shared_ptr<answer_slot> slot;

private:
  reply_function given_up_; // Made in advance: the destructor must not fail.
};

ticket::ticket(std::shared_ptr<answer_slot> slot)
  : holder_(std::make_shared<const holder>(std::move(slot))) {
  // nop
}

bool ticket::answer(reply_function write) const {
  return holder_->slot->put(std::move(write));
}

bool ticket::fail(const error& why) const {
  return fail(error_text::of(why));
}

bool ticket::fail(std::string_view text) const {
  return !expired() && answer(error_reply(std::string{text}));
}

bool ticket::expired() const noexcept {
  return !holder_->slot->waiting();
}

std::stop_token ticket::cancelled() const noexcept {
  return holder_->slot->cancelled();
}

ticket defer(command_call& call, deferral how) {
  auto& self = call.self;
  waiting_time most;
  most.timed_out = how.timed_out
                     ? std::move(how.timed_out)
                     : error_reply(std::string{error_text::waited_too_long});
  if (how.timeout)
    most.end = waiting_time::clock::now() + *how.timeout;
  const auto now_over = self.changing ? most.timed_out : reply_function{};
  auto slot = self.make_slot(std::move(most));
  ticket result{slot};
  if (self.changing) {
    slot->cancel();
    now_over(call.reply);
  } else {
    self.unfinished = std::make_unique<deferred_command>(call, std::move(slot));
  }
  return result;
}

} // namespace troupe::server
