#include <apps/bench/trace/settings.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include <apps/bench/trace/plot.hpp>
#include <apps/bench/trace/policy.hpp>

namespace troupe::bench {

namespace {

/// Reads all of `text`, or nothing.
template <class T>
bool read_number(std::string_view text, T& value) {
  auto [end, code]
    = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size();
}

} // namespace

expected<cache_size> cache_size::parse(const std::string& text) {
  cache_size result;
  result.text_ = text;
  if (text.ends_with('%')) {
    auto number = std::string_view{text}.substr(0, text.size() - 1);
    if (read_number(number, result.percent_) && result.percent_ > 0
        && result.percent_ <= 100)
      return result;
  } else if (read_number(text, result.entries_) && result.entries_ > 0) {
    return result;
  }
  return fail(errc::invalid_argument,
              "--sizes: '" + text
                + "' is neither a number of entries nor a share such as 0.1%");
}

std::size_t cache_size::entries(std::size_t unique) const noexcept {
  if (percent_ == 0)
    return entries_;
  auto share = std::round(static_cast<double>(unique) * percent_ / 100);
  return std::max<std::size_t>(static_cast<std::size_t>(share), 1);
}

void trace_settings::declare(option_table& table) {
  table
    .add(sizes, "sizes",
         "sizes of the caches, in % of a trace's keys or in entries")
    .add(policies, "policies", "any of " + comma_list(policy_names()))
    .add(plot, "plot", "draws with gnuplot to this file, .svg or .png")
    .add_words(files, "FILE");
  common.declare(table);
}

void trace_settings::shrink() {
  sizes = "1%,10%";
}

expected<void> trace_settings::check() const {
  if (files.empty())
    return fail(errc::invalid_argument,
                "no trace; name a file with a decimal key per line, plain or "
                "compressed by xz");
  if (auto ok = word_list("policies", policies, policy_names()); !ok)
    return tl::unexpected<error>{ok.error()};
  for (auto& x : split(sizes))
    if (auto ok = cache_size::parse(x); !ok)
      return tl::unexpected<error>{ok.error()};
  return plot == "none" ? expected<void>{} : can_plot(plot);
}

std::vector<std::string> trace_settings::policy_list() const {
  auto asked = *word_list("policies", policies, policy_names());
  auto result = policy_names();
  std::erase_if(result, [&](auto& x) {
    return std::find(asked.begin(), asked.end(), x) == asked.end();
  });
  return result;
}

std::vector<cache_size> trace_settings::size_list() const {
  std::vector<cache_size> result;
  for (auto& x : split(sizes))
    result.push_back(*cache_size::parse(x));
  return result;
}

} // namespace troupe::bench
