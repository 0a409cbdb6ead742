// The part of a store that applies edits of a value and transfers values to other keys.

#include <troupe/backends/memory/store/store.hpp>

namespace troupe::memory {

/// The second half of `transform`. `present`: there is a live entry at `where`.
expected<void> store::carry_out(const table::position& where, bool present,
                                const hashed_key& key, const edit& next) {
  switch (next.what) {
    case edit::action::keep:
      break;
    case edit::action::store: {
      used_tags tags{*this, next.how.tags};
      const tag_step step{forgotten_.tags(), witness_, !next.how.tags.empty()};
      auto with
        = attributes_for(next.how, present ? where.item : nullptr, tags.ids());
      if (next.deadline) {
        with.deadline = *next.deadline;
        set_moments(with, next.how, with.deadline - time_.now());
      }
      if (auto x = place(where, key, next.value, with, next.gathered);
          x != put_result::done)
        return tl::unexpected{refusal(x)};
      break;
    }
    case edit::action::splice:
      return splice(where, present, key, next);
    case edit::action::erase:
      remove(where, key);
      break;
    case edit::action::touch:
      if (!present)
        break;
      // No caller may be served by an entry that is ended in this way.
      if (where.item->has_moments() && *next.deadline <= time_.now()) {
        remove(where, key);
        break;
      }
      if (auto x = table_.touch(where, key, *next.deadline);
          x != put_result::done)
        return tl::unexpected{refusal(x)};
      break;
  }
  return {};
}

expected<void> store::splice(const table::position& where, bool present,
                             const hashed_key& key, const edit& next) {
  const auto old = present ? where.item->value() : bytes_view{};
  const auto offset = next.offset == edit::at_end ? old.size() : next.offset;
  const auto with = attributes_for(next.how, present ? where.item : nullptr);
  if (auto x = table_.splice(where, key, old, offset, next.value, with);
      x != put_result::done)
    return tl::unexpected{refusal(x)};
  note_stored(key.key);
  return {};
}

expected<transfer_result> store::transfer(const hashed_key& source, store& to,
                                          const hashed_key& key,
                                          const transfer_terms& terms) {
  auto from = table_.locate(source);
  auto where = to.table_.locate(key);
  const decision made{*this, from, source};
  const decision other{to, where, key, false, 1};
  if (!use(from))
    return transfer_result::absent;
  if (terms.if_absent && to.live(where))
    return transfer_result::exists;
  auto with = from.item->attributes();
  if (with.slides())
    with.idle_until = time_.now() + with.idle;
  if (!forgotten_.shares_tags_with(to.forgotten_))
    with.tags = {};
  const auto x = terms.keep_source
                   ? to.table_.put_copy(where, key, *from.item, with)
                   : table_.move(from, to.table_, where, key, with);
  if (x != put_result::done)
    return tl::unexpected{to.refusal(x)};
  to.note_stored(key.key);
  to.updates_.release(key.key);
  if (!terms.keep_source) {
    fence(source.key, key_event_kind::moved);
    updates_.release(source.key);
  }
  return transfer_result::done;
}

} // namespace troupe::memory
