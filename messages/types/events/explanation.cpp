#include <troupe/messages/types/events/explanation.hpp>

#include <algorithm>
#include <array>

#include <troupe/messages/types/text/printable.hpp>

namespace troupe {

namespace {

using kind = key_event_kind;

/// "250 ms", "1.2 s", "4 min 10 s", "3 h 5 min", "2 d 7 h"; rounded down.
std::string time_text(std::chrono::nanoseconds x) {
  using namespace std::chrono;
  const auto left
    = std::max(duration_cast<milliseconds>(x).count(), milliseconds::rep{0});
  if (left < 1'000)
    return std::to_string(left) + " ms";
  if (left < 60'000)
    return std::to_string(left / 1'000) + "."
           + std::to_string(left % 1'000 / 100) + " s";
  struct unit {
    milliseconds::rep size;
    const char* name;
  };
  static constexpr std::array units{unit{86'400'000, " d"},
                                    unit{3'600'000, " h"}, unit{60'000, " min"},
                                    unit{1'000, " s"}};
  std::size_t i = 0;
  while (left < units[i].size)
    ++i;
  auto result = std::to_string(left / units[i].size) + units[i].name;
  const auto rest = left % units[i].size / units[i + 1].size;
  if (rest != 0)
    result += " " + std::to_string(rest) + units[i + 1].name;
  return result;
}

std::string quoted(const bytes& x) {
  return "\"" + printable(x) + "\"";
}

std::string counted_bytes(std::size_t n) {
  return std::to_string(n) + (n == 1 ? " byte" : " bytes");
}

class narrator {
public:
  explicit narrator(const explanation& x) : x_(x) {
    // nop
  }

  std::vector<std::string> tell() {
    tell_state();
    if (x_.updating)
      lines_.emplace_back("An update of the key is in progress.");
    if (x_.in_flight)
      tell_load(*x_.in_flight);
    for (const auto& event : x_.events)
      lines_.push_back(text_of(event));
    if (x_.events.empty())
      lines_.emplace_back("No other event of the key is recorded.");
    return std::move(lines_);
  }

private:
  [[nodiscard]] std::string ago(const key_event& event) const {
    auto result = time_text(x_.now - event.at) + " ago";
    if (event.sequence != no_version)
      result += " (sequence " + std::to_string(event.sequence) + ")";
    return result;
  }

  void tell_state() {
    using state = explanation::state;
    switch (x_.is) {
      case state::missing:
        lines_.emplace_back("The key is missing.");
        return;
      case state::expired:
        lines_.emplace_back("The key is missing: its entry has expired, and "
                            "its memory is not yet freed.");
        return;
      case state::killed:
        lines_.emplace_back("The key is missing: one of its tags was "
                            "invalidated, and its memory is not yet freed.");
        tell_tags();
        return;
      case state::present:
        break;
    }
    lines_.push_back("The key is present (version " + std::to_string(x_.version)
                     + ", " + counted_bytes(x_.value_size) + ", charged "
                     + std::to_string(x_.charge) + "); " + expiry() + ".");
    tell_tags();
    if (stored_last())
      lines_.emplace_back("It was stored after the last recorded event.");
  }

  [[nodiscard]] std::string expiry() const {
    if (!x_.ttl_left && !x_.idle_left)
      return "it does not expire";
    if (!x_.idle_left)
      return "it expires in " + time_text(*x_.ttl_left);
    auto result = "it expires in " + time_text(*x_.idle_left)
                  + " without a read or write";
    if (x_.ttl_left)
      result += ", at the latest in " + time_text(*x_.ttl_left);
    return result;
  }

  void tell_tags() {
    if (x_.tags.empty())
      return;
    std::string all;
    for (const auto& name : x_.tags)
      all += (all.empty() ? "" : ", ") + quoted(name);
    lines_.push_back((x_.tags.size() == 1 ? "Its tag is " : "Its tags are ")
                     + all + ".");
  }

  /// Whether the present value was stored after all events that have a sequence.
  [[nodiscard]] bool stored_last() const {
    return !x_.events.empty()
           && std::all_of(x_.events.begin(), x_.events.end(),
                          [this](const key_event& event) {
                            return event.sequence < x_.version;
                          });
  }

  void tell_load(const explanation::load& load) {
    auto text = "Load " + std::to_string(load.id) + " is in flight";
    if (load.age.count() > 0 || !load.fenced)
      text += " for " + time_text(load.age);
    if (load.fenced)
      text += "; its result will not be stored";
    lines_.push_back(text + ".");
  }

  [[nodiscard]] static std::string named(const char* what, const bytes& name) {
    return name.empty() ? std::string{what}
                        : std::string{what} + " " + quoted(name);
  }

  /// What voided the lease of a load, as the end of a sentence.
  [[nodiscard]] static std::string cause_text(kind why) {
    switch (why) {
      case kind::stored:
        return "because another value was stored";
      case kind::erased:
        return "because the key was erased";
      case kind::moved:
        return "because the key was renamed";
      case kind::tag_invalidated:
        return "because one of its tags was invalidated";
      case kind::cleared:
        return "because all keys were removed";
      case kind::updating:
        return "because an update of the key began";
      case kind::shard_failed:
        return "because the key's shard failed";
      case kind::load_fenced:
        return "because its lease had been voided";
      default:
        return "because it could not be stored";
    }
  }

  [[nodiscard]] std::string text_of(const key_event& event) const {
    const auto load = "Load " + std::to_string(event.load);
    switch (event.kind) {
      case kind::stored:
        return "It was stored " + ago(event) + ".";
      case kind::erased:
        return "It was erased " + ago(event) + ".";
      case kind::moved:
        return "It was renamed to another key " + ago(event) + ".";
      case kind::tag_invalidated:
        return event.sequence == no_version
                 ? named("The tag", event.name) + " was invalidated "
                     + ago(event) + "."
                 : "Its entry, dead because " + named("the tag", event.name)
                     + " was invalidated, was removed " + ago(event) + ".";
      case kind::cleared:
        return (event.sequence == no_version
                  ? "All keys of the region were removed "
                  : "All keys of its shard were removed ")
               + ago(event) + ".";
      case kind::namespace_cleared:
        return "All keys of " + named("the namespace", event.name)
               + " were removed " + ago(event) + ".";
      case kind::evicted:
        return "It was evicted, because a limit was reached, " + ago(event)
               + ".";
      case kind::expired:
        return "It expired " + ago(event) + ".";
      case kind::load_granted:
        return load + " began " + ago(event) + ".";
      case kind::load_fenced:
        return load + " lost the right to store its result " + ago(event) + ", "
               + cause_text(event.cause) + ".";
      case kind::load_stored:
        return load + " stored its result " + ago(event) + ".";
      case kind::load_refused:
        return "The result of load " + std::to_string(event.load)
               + " was not stored " + ago(event) + ", "
               + cause_text(event.cause) + ".";
      case kind::load_empty:
        return load + " found no value " + ago(event) + ".";
      case kind::load_released:
        return load + " failed or was cancelled " + ago(event) + ".";
      default:
        return "Event " + std::string{to_string(event.kind)} + " " + ago(event)
               + ".";
    }
  }

  const explanation& x_;
  std::vector<std::string> lines_;
};

} // namespace

std::string_view to_string(explanation::state x) noexcept {
  switch (x) {
    case explanation::state::present:
      return "present";
    case explanation::state::expired:
      return "expired";
    case explanation::state::killed:
      return "killed";
    default:
      return "missing";
  }
}

std::vector<std::string> sentences_of(const explanation& x) {
  return narrator{x}.tell();
}

} // namespace troupe
