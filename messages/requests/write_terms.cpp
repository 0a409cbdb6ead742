#include <troupe/messages/requests/write_terms.hpp>

namespace troupe {

expected<write_options> options_of(const write_terms& x) {
  write_options result;
  if (x.ttl != x.ttl.zero())
    result.ttl = x.ttl;
  if (x.idle != x.idle.zero())
    result.idle = x.idle;
  // Written so that NaN does not mean "the region's".
  if (!(x.jitter < 0.0))
    result.jitter = x.jitter;
  if (x.condition > write_condition::if_present)
    return fail(errc::invalid_argument,
                "condition is "
                  + std::to_string(static_cast<unsigned>(x.condition))
                  + "; allowed: 0 (always), 1 (if absent), 2 (if present)");
  result.condition = x.condition;
  result.keep_ttl = x.keep_ttl;
  for (auto& name : x.tags)
    result.tags.add(name);
  if (auto ok = check(result); !ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

} // namespace troupe
