#include <troupe/actors/regions/region_actor.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actors/regions/key_actor.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/shell/spawn.hpp>
#include <troupe/messages/caf/error.hpp>

namespace troupe {

namespace {

std::chrono::milliseconds rounded(std::chrono::nanoseconds x) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(x);
}

/// An explanation in the form of a message.
explained_key reply_of(const explanation& x) {
  explained_key result;
  result.state = to_string(x.is);
  result.version = x.version;
  result.value_bytes = x.value_size;
  result.charge = x.charge;
  if (x.ttl_left)
    result.ttl = rounded(*x.ttl_left);
  if (x.idle_left)
    result.idle = rounded(*x.idle_left);
  result.tags = x.tags;
  result.updating = x.updating;
  if (x.in_flight) {
    result.load = x.in_flight->id;
    result.load_age = rounded(x.in_flight->age);
    result.load_fenced = x.in_flight->fenced;
  }
  for (const auto& one : x.events)
    result.events.push_back({std::string{to_string(one.kind)},
                             std::string{to_string(one.cause)}, one.sequence,
                             rounded(x.now - one.at), one.load, one.name});
  result.sentences = sentences_of(x);
  return result;
}

class region_shell final : public key_actor<region_actor> {
public:
  region_shell(caf::actor_config& cfg, std::shared_ptr<region> where,
               std::shared_ptr<lane> mailbox)
    : key_actor(cfg, *mailbox, std::move(where)), mailbox_(std::move(mailbox)) {
    // nop
  }

  const char* name() const override {
    return "troupe.region";
  }

  behavior_type make_behavior() override {
    return {
      [this](get_request& x) { return on_get(x); },
      [this](contains_request& x) { return on_contains(x); },
      [this](ttl_request& x) { return on_ttl(x); },
      [this](set_request& x) { return on_set(x); },
      [this](compare_and_set_request& x) { return on_compare_and_set(x); },
      [this](erase_request& x) { return on_erase(x); },
      [this](touch_request& x) { return on_touch(x); },
      [this](increment_request& x) { return on_increment(x); },
      [this](const clear_request&) { return on_clear(); },
      [this](const get_many_request& x) { return on_get_many(x); },
      [this](explain_request& x) { return on_explain(x); },
      [this](const invalidate_tag_request& x) { return on_invalidate_tag(x); },
      [this](const list_namespaces_request& x) {
        return on_list_namespaces(x);
      },
      [this](const set_namespace_limits_request& x) {
        return on_set_namespace_limits(x);
      },
      [this](const clear_namespace_request& x) {
        return on_clear_namespace(x);
      },
      [this](load_request& x) { return on_load(x); },
      [this](update_request& x) { return on_update(x); },
    };
  }

private:
  caf::result<void> on_clear() {
    if (auto cleared = where().clear(); !cleared)
      return to_caf(cleared.error());
    return caf::unit;
  }

  caf::result<get_many_reply> on_get_many(const get_many_request& x) {
    std::vector<bytes_view> keys(x.keys.begin(), x.keys.end());
    get_many_reply result;
    result.entries.resize(keys.size());
    auto read
      = where().visit_many(keys, [&](std::size_t i, const entry_view* entry) {
          if (entry != nullptr)
            result.entries[i] = {true, bytes{entry->value}, entry->version};
        });
    if (!read)
      return to_caf(read.error());
    return result;
  }

  caf::result<explained_key> on_explain(explain_request& x) {
    return on_key<explained_key, explanation>(
      x.key,
      [&](carried_key key, auto finish) {
        where().explain_then(std::move(key), std::move(finish));
      },
      [](const explanation& found) { return reply_of(found); });
  }

  caf::result<void> on_invalidate_tag(const invalidate_tag_request& x) {
    if (auto outcome = where().invalidate_tag(x.tag); !outcome)
      return to_caf(outcome.error());
    return caf::unit;
  }

  caf::result<namespace_list>
  on_list_namespaces(const list_namespaces_request& x) {
    namespace_list result{namespace_infos(where())};
    if (result.namespaces.size() > x.limit)
      result.namespaces.resize(x.limit);
    return result;
  }

  caf::result<void>
  on_set_namespace_limits(const set_namespace_limits_request& x) {
    auto outcome
      = where().set_namespace_limits(x.prefix, x.max_bytes, x.max_entries);
    if (!outcome)
      return to_caf(outcome.error());
    return caf::unit;
  }

  caf::result<void> on_clear_namespace(const clear_namespace_request& x) {
    if (auto outcome = where().clear_namespace(x.prefix); !outcome)
      return to_caf(outcome.error());
    return caf::unit;
  }

  caf::result<load_reply> on_load(load_request& x) {
    auto how = options_of(x.how);
    if (!how)
      return to_caf(how.error());
    if (!x.loader)
      return to_caf({errc::invalid_argument,
                     "the request has no loader; functions cannot be sent to "
                     "another process"});
    return on_key<load_reply, std::optional<bytes>>(
      x.key,
      [&](carried_key key, auto finish) {
        where().get_or_set_then(std::move(key), std::move(x.loader), *how,
                                std::move(finish));
      },
      [](std::optional<bytes> loaded) {
        return load_reply{loaded.has_value(),
                          std::move(loaded).value_or(bytes{})};
      });
  }

  caf::result<update_reply> on_update(update_request& x) {
    auto how = options_of(x.how);
    if (!how)
      return to_caf(how.error());
    if (!x.updater)
      return to_caf({errc::invalid_argument,
                     "the request has no updater; functions cannot be sent to "
                     "another process"});
    return on_key<update_reply, std::optional<bytes>>(
      x.key,
      [&](carried_key key, auto finish) {
        where().update_then(std::move(key), std::move(x.updater), *how,
                            std::move(finish));
      },
      [](std::optional<bytes> stored) {
        return update_reply{stored.has_value(),
                            std::move(stored).value_or(bytes{})};
      });
  }

  std::shared_ptr<lane> mailbox_;
};

} // namespace

std::vector<namespace_info> namespace_infos(const region& where) {
  std::vector<namespace_info> result;
  for (auto& x : where.namespaces())
    result.push_back({x.prefix, x.keys, x.charged, x.max_bytes, x.max_entries,
                      x.evictions, x.shards,
                      std::string{to_string(x.eviction)}});
  return result;
}

child_spec supervised_region(caf::actor_system& system, std::string parent,
                             std::shared_ptr<region> where,
                             std::shared_ptr<region_directory> directory,
                             std::shared_ptr<lane> mailbox,
                             watch_function watch) {
  child_spec result;
  result.name = where->name();
  result.parent = std::move(parent);
  result.kind = "region";
  result.start = [=, &system](bool) {
    region_actor actor = spawn_hidden<region_shell>(system, where, mailbox);
    directory->front().set(actor);
    watch(directory->front().pointer());
    return actor->id();
  };
  result.watch = [=] { watch(directory->front().pointer()); };
  result.end
    = [=](bool crash) { end_actor(directory->front().pointer(), crash); };
  result.give_up = [] {
    // The directory keeps the dead actor. CAF answers requests to it in this process;
    // callers read the answer as `shard_down`.
  };
  result.figures = [mailbox] {
    return child_figures{mailbox->depth(), mailbox->handled(), 0, 0};
  };
  return result;
}

} // namespace troupe
