// Options of keys and values: their times to live, their sizes, and shards.

#include <bit>
#include <string>

#include <troupe/messages/types/text/memory_size.hpp>

#include "apps/resp/parser.hpp"
#include "apps/server/options/option_families.hpp"

namespace troupe::server {

namespace {

using settings::value;
using settings::value_kind;

std::string no_power_of_two(const value& x) {
  const auto i = static_cast<std::uint64_t>(std::get<std::int64_t>(x));
  return i == 0 || std::has_single_bit(i)
           ? std::string{}
           : "argument must be a power of two, or 0";
}

template <ttl_duration region_options::*Member>
expected<void> set_lifetime(server_settings& to, const value& x) {
  const auto time = std::get<std::chrono::milliseconds>(x);
  to.region.*Member = time.count() == 0 ? no_expiry : time;
  return {};
}

value_kind lifetime() {
  return value_kind::time(std::chrono::milliseconds{0});
}

} // namespace

std::vector<server_option> entry_options() {
  using troupe::defaults::largest_key_size;
  using troupe::defaults::max_shards;
  return under(
    "Keys and values",
    {
      {{.name = "ttl",
        .kind = lifetime(),
        .preset = "0",
        .help
        = "time to live of keys written without one; 0: they do not expire"},
       set_lifetime<&region_options::ttl>},
      {{.name = "idle",
        .kind = lifetime(),
        .preset = "0",
        .help = "keys expire after this time without a read or write, or "
                "earlier at the end of their TTL; 0: no idle time",
        .details = "See [commands](commands.md#expiry)"},
       set_lifetime<&region_options::idle>},
      {{.name = "jitter",
        .kind = value_kind::fraction(),
        .preset = "0",
        .help = "keys written without a time to live may expire earlier by up "
                "to this share of ttl"},
       into([](server_settings & x) -> auto& { return x.region.jitter; })},
      {{.name = "record-sets",
        .kind = value_kind::flag(),
        .preset = "no",
        .help = "EXPLAIN also tells when values were stored; every write then "
                "takes the time of a record",
        .details = "See [commands](commands.md#explain)"},
       into([](server_settings & x) -> auto& { return x.region.record_sets; })},
      {{.name = "max-key-size",
        .kind
        = value_kind::size(1, static_cast<std::int64_t>(largest_key_size)),
        .preset = memory_size_text(troupe::defaults::max_key_size),
        .help = "largest size of a key"},
       into(
         [](server_settings & x) -> auto& { return x.region.max_key_size; })},
      {{.name = "max-value-size",
        .kind = value_kind::size(
          1, static_cast<std::int64_t>(resp::parser_limits{}.bulk)),
        .preset = memory_size_text(troupe::defaults::max_value_size),
        .help = "largest size of a value"},
       into(
         [](server_settings & x) -> auto& { return x.region.max_value_size; })},
      {{.name = "shards",
        .kind = value_kind::number(0, static_cast<std::int64_t>(max_shards))
                  .checked("a power of two up to 256, or 0", no_power_of_two),
        .preset = "0",
        .help
        = "shards of a database; all are made at the start. 0: 16 per core, "
          "each made at its first use"},
       into([](server_settings & x) -> auto& { return x.region.shards; })},
    });
}

} // namespace troupe::server
