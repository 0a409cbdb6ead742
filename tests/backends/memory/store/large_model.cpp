// Large values beside a map.

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <troupe/backends/memory/entries/held_value.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/backends/memory/store/store.hpp>

#include "catch.hpp"
#include "large_store.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using memory::held_value;
using memory::large_block;
using memory::store;
using memory::table;

// Values whose size crosses the bounds between the kinds of blocks, under a limit
// that evicts, against a map. What the limit takes may be missing, but is never
// wrong.
TEST_CASE(
  "large values that are moved, copied and appended to are those of a map",
  "[large][sharing]") {
  const auto policy = GENERATE(eviction_policy::s3_fifo, eviction_policy::none);
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  two_stores uut{24 << 20, policy};
  std::map<std::string, std::string> model;
  std::vector<held_value> held;
  std::vector<std::string> held_model;
  std::minstd_rand random{seed};
  const auto any_key = [&] {
    return std::string(1, static_cast<char>('a' + random() % 12))
           + std::string(random() % 3 * 20, 'k');
  };
  const auto shard = [&](const std::string& key) -> store& {
    return *uut.all[static_cast<unsigned char>(key[0]) % 2];
  };
  const auto any_size = [&]() -> std::size_t {
    constexpr std::array<std::size_t, 5> sizes{10, 2'000, table::largest_inline,
                                               40'000, 300'000};
    const auto base = random() % 20 == 0 ? large_block::own_mapping
                                         : sizes[random() % sizes.size()];
    return base - 5 + random() % 10;
  };
  for (int step = 0; step < 500; ++step) {
    const auto key = any_key();
    auto& where = shard(key);
    const auto present
      = model.contains(key) && value_of(where, key) != "(none)";
    if (!present)
      model.erase(key);
    const auto text = pattern(any_size(), static_cast<unsigned>(random() % 50));
    switch (random() % 9) {
      case 0:
        if (where.set(hashed(key), text, {}))
          model[key] = text;
        break;
      case 1: {
        memory::value_buffer gathered;
        gathered.append(text);
        gathered.append("\r\n");
        gathered.finish(text.size());
        if (where.set(hashed(key), gathered.view(), {}, &gathered))
          model[key] = text;
        break;
      }
      case 2:
      case 3: {
        const auto part = text.substr(0, random() % 2 == 0 ? 5 : 50'000);
        if (apply(where, key, edit::append(part)))
          model[key] += part;
        break;
      }
      case 4: {
        const auto offset = random() % 60'000;
        const auto part = text.substr(0, 30);
        if (apply(where, key, edit::overwrite(offset, part))) {
          auto& value = model[key];
          value.resize(
            std::max<std::size_t>(value.size(), offset + part.size()));
          value.replace(offset, part.size(), part);
        }
        break;
      }
      case 5:
      case 6: {
        const auto to = any_key();
        if (to == key)
          break;
        const auto keeps = random() % 2 == 0;
        const auto done = where.transfer(hashed(key), shard(to), hashed(to),
                                         {.keep_source = keeps});
        if (!done)
          break;
        CHECK((*done == transfer_result::done) == present);
        if (!present)
          break;
        model[to] = model[key];
        if (!keeps)
          model.erase(key);
        break;
      }
      case 7:
        if (where.touch(hashed(key), random() % 2 == 0 ? 1h : no_expiry))
          break;
        break;
      default:
        if (random() % 2 == 0) {
          REQUIRE(where.erase(hashed(key)));
          model.erase(key);
        } else if (auto x = hold(where, key)) {
          held_model.emplace_back(x.view());
          held.push_back(std::move(x));
          if (held.size() > 4) {
            CHECK(held.front().view() == held_model.front());
            held.erase(held.begin());
            held_model.erase(held_model.begin());
          }
        }
        break;
    }
    for (auto& x : uut.all) {
      x->sweep();
      const auto problem = x->entries().validate();
      if (!problem.empty())
        FAIL(problem);
    }
    CHECK(uut.limit->lent() <= uut.limit->limit() + 1'500);
    if (step % 50 == 0)
      for (auto& [name, value] : model) {
        const auto found = value_of(shard(name), name);
        if (found != "(none)")
          CHECK(found == value);
      }
    if (step % 100 == 0)
      large_block::free_waiting();
  }
  for (std::size_t i = 0; i < held.size(); ++i)
    CHECK(held[i].view() == held_model[i]);
}
