#include <troupe/actors/regions/transaction.hpp>

#include <troupe/backends/abilities.hpp>

namespace troupe {

namespace {

/// The joint turns of a region's provider, which must be of the same kind as `first`.
expected<joint_turn_ability*> joint_turns_of(const region& where,
                                             const region& first) {
  auto* const result = where.provider().joint_turns();
  if (result == nullptr)
    return where.lacks("changes and reads of several keys at one moment");
  if (where.provider().kind() != first.provider().kind())
    return fail(errc::unsupported, "regions " + first.name() + " and "
                                     + where.name()
                                     + " have providers of different kinds");
  return result;
}

} // namespace

transaction& transaction::require(region& where, bytes_view key,
                                  version_number version) {
  step x{action::require, where.shared_from_this(), carried_key{bytes{key}}};
  x.version = version;
  return add(std::move(x), where.check_key(key));
}

transaction& transaction::set(region& where, bytes_view key, bytes value,
                              write_options how) {
  auto checked = where.check_write(key, value, how).and_then([&] {
    return where.check_unconditional(how);
  });
  step x{action::set, where.shared_from_this(), carried_key{bytes{key}}};
  x.value = std::move(value);
  x.how = std::move(how);
  return add(std::move(x), std::move(checked));
}

transaction& transaction::erase(region& where, bytes_view key) {
  return add({action::erase, where.shared_from_this(), carried_key{bytes{key}}},
             where.check_key(key));
}

transaction& transaction::touch(region& where, bytes_view key,
                                ttl_duration ttl) {
  step x{action::touch, where.shared_from_this(), carried_key{bytes{key}}};
  x.ttl = ttl;
  return add(std::move(x), where.check_key(key).and_then(
                             [&] { return where.check_ttl(ttl); }));
}

transaction& transaction::add(step x, expected<void> checked) {
  if (checked)
    steps_.push_back(std::move(x));
  else
    refuse(std::move(checked.error()));
  return *this;
}

void transaction::refuse(error why) {
  if (!refusal_)
    refusal_ = std::move(why);
}

void transaction::refuse_empty_cache() {
  refuse({errc::invalid_argument, "the cache is empty; open it first"});
}

expected<bool> transaction::commit() const {
  if (refusal_)
    return tl::unexpected{*refusal_};
  if (steps_.empty())
    return true;
  std::vector<joint_condition> conditions;
  std::vector<joint_step> changes;
  joint_turn_ability* any = nullptr; // They are of one kind.
  for (const auto& x : steps_) {
    const auto turns = joint_turns_of(*x.where, *steps_.front().where);
    if (!turns)
      return tl::unexpected{turns.error()};
    any = *turns;
    const hashed_key key = x.key;
    switch (x.what) {
      case action::require:
        conditions.push_back({{*turns, key}, x.version});
        break;
      case action::set:
        changes.push_back({*turns, set_change{key, x.value, &x.how}});
        break;
      case action::erase:
        changes.push_back({*turns, erase_change{key}});
        break;
      case action::touch:
        changes.push_back({*turns, touch_change{key, x.ttl}});
        break;
    }
  }
  return any->change_together(conditions, changes);
}

expected<std::vector<std::optional<entry_copy>>>
read_together(std::span<const region_key> keys) {
  std::vector<std::optional<entry_copy>> result(keys.size());
  if (keys.empty())
    return result;
  std::vector<joint_key> wanted;
  for (const auto& x : keys) {
    if (auto ok = x.where->check_key(x.key); !ok)
      return tl::unexpected{std::move(ok.error())};
    const auto turns = joint_turns_of(*x.where, *keys.front().where);
    if (!turns)
      return tl::unexpected{turns.error()};
    wanted.push_back({*turns, x.key});
  }
  const auto read = wanted.front().where->read_together(
    wanted, [&result](std::size_t i, const entry_view* x) {
      if (x == nullptr)
        result[i].reset();
      else
        result[i] = entry_copy{bytes{x->value}, x->version, x->deadline};
    });
  if (!read)
    return tl::unexpected{read.error()};
  return result;
}

} // namespace troupe
