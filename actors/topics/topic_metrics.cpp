#include <troupe/actors/topics/topic_metrics.hpp>

#include <array>
#include <cstdint>
#include <utility>

#include <troupe/actors/topics/topic_directory.hpp>

namespace troupe {

namespace {

struct kind_row {
  topic_kind kind;
  const char* label;
  const char* info_field;
};

constexpr std::array kinds{
  kind_row{topic_kind::channel, "channel", "pubsub_channels"},
  kind_row{topic_kind::pattern, "pattern", "pubsub_patterns"},
  kind_row{topic_kind::sharded, "sharded", "pubsubshard_channels"},
};

} // namespace

expected<std::vector<metric_registration>>
register_metrics(metric_registry& in, const topic_directory& topics) {
  std::vector<metric_registration> result;
  for (const auto& x : kinds) {
    auto shown = in.add({.name = "troupe_topics",
                         .help = "Topics that have subscribers.",
                         .kind = metric_kind::gauge,
                         .info = {"stats", x.info_field}},
                        [&topics, kind = x.kind] {
                          return static_cast<std::int64_t>(topics.size(kind));
                        },
                        {{"kind", x.label}});
    if (!shown)
      return tl::unexpected{std::move(shown.error())};
    result.push_back(std::move(*shown));
  }
  return result;
}

} // namespace troupe
