#include <troupe/messages/types/namespaces.hpp>

#include <algorithm>
#include <bit>
#include <string_view>

#include <troupe/messages/types/defaults.hpp>

namespace troupe {

namespace {

tl::unexpected<error> bad(const namespace_options& which,
                          const std::string& why) {
  return fail(errc::invalid_argument,
              "namespace " + prefix_text(which.prefix) + ": " + why);
}

expected<void> check_limits(const namespace_options& x) {
  if (x.max_bytes == 0 && x.max_entries == 0)
    return bad(x, "there is no limit; set max_bytes or max_entries");
  auto least
    = defaults::least_bytes_per_shard * std::max<std::size_t>(x.shards, 1);
  if (x.max_bytes != 0 && x.max_bytes < least)
    return bad(x, "max_bytes is " + std::to_string(x.max_bytes)
                    + " bytes; allowed: " + std::to_string(least)
                    + " and more for its number of shards");
  return {};
}

expected<void> check_one(const namespace_options& x, std::size_t max_key_size) {
  if (x.prefix.empty())
    return fail(errc::invalid_argument,
                "the prefix of a namespace is empty; all keys together are "
                "limited by the region's max_bytes and max_entries");
  if (x.prefix.size() > max_key_size)
    return bad(x, "the prefix has " + std::to_string(x.prefix.size())
                    + " bytes, keys have up to "
                    + std::to_string(max_key_size));
  if (x.shards != 0
      && (!std::has_single_bit(x.shards)
          || x.shards > defaults::max_namespace_shards))
    return bad(x, "shards is " + std::to_string(x.shards)
                    + "; allowed: a power of two up to "
                    + std::to_string(defaults::max_namespace_shards)
                    + ", or 0: as many as the limit allows");
  return check_limits(x);
}

} // namespace

expected<void> check(const std::vector<namespace_options>& all,
                     std::size_t max_key_size) {
  if (all.size() > defaults::max_namespaces)
    return fail(errc::invalid_argument,
                "there are " + std::to_string(all.size())
                  + " namespaces; allowed: up to "
                  + std::to_string(defaults::max_namespaces));
  std::vector<std::string_view> prefixes;
  for (auto& x : all) {
    if (auto ok = check_one(x, max_key_size); !ok)
      return ok;
    if (std::find(prefixes.begin(), prefixes.end(), x.prefix) != prefixes.end())
      return bad(x, "the prefix occurs twice");
    prefixes.push_back(x.prefix);
  }
  return {};
}

std::string prefix_text(bytes_view prefix) {
  constexpr std::size_t most = 64;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const unsigned char x : prefix.substr(0, most)) {
    if (x > ' ' && x < 0x7f && x != '\\')
      result += static_cast<char>(x);
    else
      result.append("\\x").append({digits[x >> 4], digits[x & 0xf]});
  }
  return prefix.size() > most ? result + "..." : result;
}

tl::unexpected<error> no_such_namespace(bytes_view prefix) {
  return fail(errc::invalid_argument,
              "there is no namespace " + prefix_text(prefix)
                + "; namespaces are declared when the region is opened");
}

} // namespace troupe
