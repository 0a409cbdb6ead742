#include <troupe/actors/shell/detail/unexpected.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/message.hpp>
#include <caf/message_view.hpp>
#include <caf/result.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

#include <troupe/messages/types/text/printable.hpp>

namespace troupe::detail {

namespace {

constexpr std::chrono::seconds between_lines{1};

using steady_clock = std::chrono::steady_clock;

} // namespace

/// The function of one runtime, and when it was last called.
class unexpected_reports::listener {
public:
  listener(const caf::actor_system& system, report_function report)
    : system_(&system), report_(std::move(report)) {
    // nop
  }

  [[nodiscard]] bool hears(const caf::actor_system& system) const noexcept {
    return system_ == &system;
  }

  /// `text` makes the line; it is not called when the line is left out.
  template <class F>
  void tell(F text) {
    // Held during the call, so that `end` waits for it.
    std::lock_guard guard{mutex_};
    if (!report_)
      return;
    const auto now = steady_clock::now();
    if (last_ && now - *last_ < between_lines) {
      ++left_out_;
      return;
    }
    last_ = now;
    std::string line = text();
    if (left_out_ > 0)
      line += " (and " + std::to_string(std::exchange(left_out_, 0))
              + " more in between)";
    report_(line);
  }

  void end() {
    std::lock_guard guard{mutex_};
    report_ = nullptr;
  }

private:
  const caf::actor_system* const system_;
  std::mutex mutex_;
  report_function report_;
  std::optional<steady_clock::time_point> last_;
  std::size_t left_out_ = 0;
};

namespace {

using listener_pointer = std::shared_ptr<unexpected_reports::listener>;

/// The listeners of the process: an actor knows only its system.
struct audience {
  std::mutex mutex;
  std::vector<listener_pointer> all;

  static audience& instance() {
    // Actors may outlive static objects.
    static auto* const result = new audience;
    return *result;
  }

  [[nodiscard]] listener_pointer of(const caf::actor_system& system) {
    std::lock_guard guard{mutex};
    const auto found = std::find_if(
      all.begin(), all.end(), [&](const auto& x) { return x->hears(system); });
    return found == all.end() ? nullptr : *found;
  }
};

/// `text` makes the shown text of the message.
template <class F>
void tell(const caf::scheduled_actor& self, std::string_view what, F text) {
  if (const auto found = audience::instance().of(self.home_system()))
    found->tell([&] {
      return std::string{self.name()} + std::string{what} + printable(text());
    });
}

void on_down(caf::scheduled_actor* self, caf::down_msg& x) {
  tell(*self, " does not watch what ended: ", [&] { return to_string(x); });
}

caf::error on_exception(caf::scheduled_actor* self, std::exception_ptr& x) {
  try {
    std::rethrow_exception(x);
  } catch (const std::exception& problem) {
    tell(*self,
         " threw an exception: ", [&] { return std::string{problem.what()}; });
  } catch (...) {
    tell(*self, " threw an exception", [] { return std::string{}; });
  }
  return caf::sec::runtime_error;
}

} // namespace

unexpected_reports::unexpected_reports(caf::actor_system& system,
                                       report_function report) {
  if (!report)
    return;
  listener_ = std::make_shared<listener>(system, std::move(report));
  auto& all = audience::instance();
  std::lock_guard guard{all.mutex};
  all.all.push_back(listener_);
}

unexpected_reports::~unexpected_reports() {
  if (!listener_)
    return;
  auto& all = audience::instance();
  {
    std::lock_guard guard{all.mutex};
    std::erase(all.all, listener_);
  }
  listener_->end();
}

caf::result<caf::message> take_unexpected(caf::scheduled_actor* self,
                                          caf::message_view& x) {
  tell(*self, " does not take this message: ", [&] {
    return to_string(x.move_content_to_message());
  });
  return caf::sec::unexpected_message;
}

void report_unexpected(caf::scheduled_actor& of) {
  of.set_default_handler(take_unexpected);
  of.set_down_handler(on_down);
  of.set_exception_handler(on_exception);
}

} // namespace troupe::detail
