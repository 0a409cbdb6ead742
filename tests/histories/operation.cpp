#include "histories/operation.hpp"

#include <cstdio>

namespace histories {

namespace {

std::string text_of_tags(tag_mask x) {
  std::string result = "{";
  for (unsigned i = 0; i < tag_count; ++i)
    if ((x >> i) & 1u)
      result += (result.size() > 1 ? " t" : "t") + std::to_string(i);
  return result + "}";
}

std::string text_of_ttl(const operation& x) {
  if (x.rule == deadline_rule::exact)
    return x.ttl == no_deadline
             ? "no deadline"
             : "deadline at " + std::to_string(x.ttl / 1'000'000) + " ms";
  auto fresh = x.ttl == no_deadline
                 ? std::string{"no TTL"}
                 : "TTL " + std::to_string(x.ttl / 1'000'000) + " ms";
  return x.rule == deadline_rule::keep ? "keeps the deadline, if new " + fresh
                                       : fresh;
}

std::string text_of_need(const operation& x) {
  switch (x.need) {
    case needs::nothing:
      return {};
    case needs::miss:
      return "found the key absent";
    case needs::hit:
      return "found the key present";
    case needs::source:
      return "found " + text_of(x.source);
    case needs::loading:
      return "was answered " + text_of(x.source);
    case needs::stale:
      return "was answered the stale " + text_of(x.source);
    case needs::other_version:
      return "found another version than that of " + text_of(x.source);
    case needs::remaining:
      return x.remaining < 0
               ? "found no deadline"
               : "found " + std::to_string(x.remaining) + " ms left";
  }
  return {};
}

std::string text_of_effect(const operation& x) {
  switch (x.make) {
    case makes::nothing:
      return {};
    case makes::store:
      return "stored " + text_of(x.result) + " (" + text_of_ttl(x) + ", tags "
             + text_of_tags(x.tags)
             + (x.keep_tags ? " if new, else kept)" : ")");
    case makes::erase:
      return "made the key absent";
    case makes::touch:
      return "gave it " + text_of_ttl(x);
    case makes::invalidate:
      return "invalidated " + text_of_tags(x.tags);
    case makes::load_begin:
      return "the load of " + text_of(x.result) + " began";
    case makes::load_end:
      return "the load of " + text_of(x.result) + " ended (" + text_of_ttl(x)
             + ", tags " + text_of_tags(x.tags) + ")";
  }
  return {};
}

} // namespace

std::string text_of(value_id x) {
  if (x == absent)
    return "nothing";
  auto result = "v" + std::to_string(x / value_stride);
  if (auto more = x % value_stride; more != 0)
    result += "+" + std::to_string(more);
  return result;
}

std::string text_of(const operation& x, nanoseconds origin) {
  char head[128];
  std::snprintf(head, sizeof head,
                "%9.3f .. %9.3f us  clock %lld .. %lld ms  thread %2u  %-16s ",
                static_cast<double>(x.start - origin) / 1e3,
                static_cast<double>(x.end - origin) / 1e3,
                static_cast<long long>(x.clock_start / 1'000'000),
                static_cast<long long>(x.clock_end / 1'000'000),
                unsigned{x.thread}, x.call);
  auto need = text_of_need(x);
  auto effect = text_of_effect(x);
  std::string result = head;
  result += need;
  if (!need.empty() && !effect.empty())
    result += ", ";
  result += effect;
  if (x.database != 0)
    result
      += ", after change " + std::to_string(x.database) + " of the database";
  return result;
}

} // namespace histories
