#include <troupe/actors/detail/unexpected.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/message.hpp>
#include <caf/message_view.hpp>
#include <caf/result.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

namespace troupe::detail {

namespace {

constexpr std::chrono::seconds between_lines{1};

using steady_clock = std::chrono::steady_clock;

/// Who is told. Of the process, as an actor knows its system and nothing else.
struct audience {
  struct member {
    const unexpected_reports* who;
    const caf::actor_system* system;
    report_function report;
    steady_clock::time_point last = {};
    std::size_t untold = 0;
  };

  std::mutex mutex;
  std::vector<member> all;

  static audience& instance() {
    // Actors may outlive static objects.
    static auto* const result = new audience;
    return *result;
  }

  void tell(const caf::actor_system& system, const std::string& what) {
    report_function report;
    std::string line = what;
    {
      std::lock_guard guard{mutex};
      const auto found
        = std::find_if(all.begin(), all.end(),
                       [&](const member& x) { return x.system == &system; });
      if (found == all.end() || !found->report)
        return;
      const auto now = steady_clock::now();
      if (found->last != steady_clock::time_point{}
          && now - found->last < between_lines) {
        ++found->untold;
        return;
      }
      found->last = now;
      if (found->untold > 0)
        line += " (and " + std::to_string(std::exchange(found->untold, 0))
                + " more in between)";
      report = found->report;
    }
    report(line);
  }
};

void tell(const caf::scheduled_actor& self, std::string_view what,
          const std::string& text) {
  audience::instance().tell(self.home_system(), std::string{self.name()}
                                                  + std::string{what}
                                                  + printable(text));
}

caf::result<caf::message> on_unexpected(caf::scheduled_actor* self,
                                        caf::message_view& x) {
  tell(*self,
       " does not take this message: ", to_string(x.move_content_to_message()));
  return caf::sec::unexpected_message;
}

void on_down(caf::scheduled_actor* self, caf::down_msg& x) {
  tell(*self, " does not watch what ended: ", to_string(x));
}

caf::error on_exception(caf::scheduled_actor* self, std::exception_ptr& x) {
  try {
    std::rethrow_exception(x);
  } catch (const std::exception& problem) {
    tell(*self, " threw an exception: ", problem.what());
  } catch (...) {
    tell(*self, " threw an exception", "");
  }
  return caf::sec::runtime_error;
}

} // namespace

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    if (result.size() >= most_shown)
      return result + "...";
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      result += c;
    else
      result.append("\\x")
        .append(1, digits[byte >> 4])
        .append(1, digits[byte & 0xf]);
  }
  return result;
}

unexpected_reports::unexpected_reports(caf::actor_system& system,
                                       report_function report) {
  auto& all = audience::instance();
  std::lock_guard guard{all.mutex};
  all.all.push_back({this, &system, std::move(report)});
}

unexpected_reports::~unexpected_reports() {
  auto& all = audience::instance();
  std::lock_guard guard{all.mutex};
  std::erase_if(all.all, [this](const auto& x) { return x.who == this; });
}

void report_unexpected(caf::scheduled_actor& of) {
  of.set_default_handler(on_unexpected);
  of.set_down_handler(on_down);
  of.set_exception_handler(on_exception);
}

} // namespace troupe::detail
