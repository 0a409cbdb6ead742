// Options of subscribers: the limits of the messages that wait for one.

#include <algorithm>
#include <string>

#include <troupe/messages/types/text/memory_size.hpp>

#include "apps/server/options/option_families.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/settings/output_limits.hpp"

namespace troupe::server {

namespace {

using settings::output_limit;
using settings::value;
using settings::value_kind;

output_limit present(const server_state& x) {
  return x.live.output()[settings::pubsub_class];
}

template <auto Member>
std::string set_limit(setting_change& all, const value& x) {
  if (!all.apply)
    return {};
  auto limits = all.server.live.output();
  auto& own = limits[settings::pubsub_class];
  if (const auto* const time = std::get_if<std::chrono::milliseconds>(&x))
    own.soft_seconds
      = std::chrono::duration_cast<std::chrono::seconds>(*time).count();
  else
    settings::assign(x, own.*Member);
  all.server.live.output(limits, all.server.options.pubsub.messages);
  return {};
}

/// A limit as the value of its option. No hard limit is shown as the largest value of
/// the option, because the option has no value for "no limit".
template <std::uint64_t output_limit::*Member>
std::string bytes_of(const server_state& x) {
  const auto limit = present(x).*Member;
  constexpr auto most = static_cast<std::uint64_t>(defaults::most_client_bytes);
  const bool none = limit == 0 && Member == &output_limit::hard;
  return std::to_string(none ? most : std::min(limit, most));
}

std::string bad_limits(const value& x) {
  settings::output_limits any{};
  return settings::read_limits(std::get<std::string>(x), any);
}

std::string set_output_limits(setting_change& all, const value& x) {
  auto limits = all.server.live.output();
  auto refusal = settings::read_limits(std::get<std::string>(x), limits);
  if (refusal.empty() && all.apply)
    all.server.live.output(limits, all.server.options.pubsub.messages);
  return refusal;
}

} // namespace

std::vector<server_option> pubsub_options() {
  constexpr subscriber_limits preset;
  return under(
    "Subscribers",
    {
      {{.name = "pubsub-buffer",
        .kind = value_kind::size(1, defaults::most_client_bytes),
        .preset = memory_size_text(preset.bytes),
        .help = "bytes of messages that may wait for a subscriber; above that "
                "it is disconnected"},
       into([](server_settings & x) -> auto& { return x.serve.pubsub.bytes; }),
       bytes_of<&output_limit::hard>,
       set_limit<&output_limit::hard>},
      {{.name = "pubsub-soft-buffer",
        .kind = value_kind::size(0, defaults::most_client_bytes),
        .preset = memory_size_text(preset.soft_bytes),
        .help = "bytes of messages that may wait for a subscriber for less "
                "than pubsub-soft-time; 0: no soft limit"},
       into([](server_settings & x) -> auto& {
         return x.serve.pubsub.soft_bytes;
       }),
       bytes_of<&output_limit::soft>,
       set_limit<&output_limit::soft>},
      {{.name = "pubsub-soft-time",
        .kind = value_kind::seconds(std::chrono::seconds{0},
                                    defaults::most_client_seconds),
        .preset = std::to_string(preset.soft_time.count()),
        .help = "how long a subscriber may exceed pubsub-soft-buffer"},
       into(
         [](server_settings & x) -> auto& { return x.serve.pubsub.soft_time; }),
       [](const server_state& x) {
         return std::to_string(present(x).soft_seconds);
       },
       set_limit<&output_limit::soft_seconds>},
      {{.name = "client-output-buffer-limit",
        .kind = value_kind::text("LIST").checked("CLASS HARD SOFT SECONDS ...",
                                                 bad_limits),
        .hidden = true},
       {},
       [](const server_state& x) { return settings::text_of(x.live.output()); },
       set_output_limits},
    });
}

} // namespace troupe::server
