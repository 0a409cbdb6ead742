#include <troupe/actors/topics/topic_directory.hpp>

#include <new>
#include <utility>

namespace troupe {

// -- one table -------------------------------------------------------------------

std::shared_ptr<topic> topic_table::get_or_create(topic_kind kind,
                                                  bytes_view name,
                                                  const topic* ended) {
  std::lock_guard lock{mutex_};
  auto found = topics_.find(name);
  if (found != topics_.end() && found->second.get() != ended)
    return found->second;
  auto made = std::make_shared<topic>(kind, name);
  if (found != topics_.end())
    found->second = made;
  else
    topics_.emplace(bytes{name}, made);
  changed();
  return made;
}

std::shared_ptr<topic> topic_table::find(bytes_view name) const noexcept {
  std::lock_guard lock{mutex_};
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second;
}

void topic_table::forget(const topic& ended) noexcept {
  std::lock_guard lock{mutex_};
  const auto found = topics_.find(bytes_view{ended.name().text});
  if (found == topics_.end() || found->second.get() != &ended)
    return;
  topics_.erase(found);
  shrink();
  changed();
}

// Gives back memory of the hash table after many topics have ended, in amortised
// constant time. Called under the mutex.
void topic_table::shrink() noexcept {
  constexpr std::size_t few = 1024;
  constexpr std::size_t least_used_share = 8;
  if (topics_.bucket_count() < few
      || topics_.size() > topics_.bucket_count() / least_used_share)
    return;
  try {
    topics_.rehash(2 * topics_.size());
  } catch (const std::bad_alloc&) {
    // The table keeps its size.
  }
}

std::shared_ptr<const topic_table::list> topic_table::all() const {
  std::lock_guard lock{mutex_};
  if (!all_) {
    auto made = std::make_shared<list>();
    made->reserve(topics_.size());
    for (const auto& entry : topics_)
      made->push_back(entry.second);
    all_ = std::move(made);
  }
  return all_;
}

// Called under the mutex.
void topic_table::changed() noexcept {
  all_.reset();
  size_.store(topics_.size(), std::memory_order_release);
}

// -- all tables ------------------------------------------------------------------

std::size_t topic_directory::place_of(topic_kind kind,
                                      bytes_view name) noexcept {
  return kind == topic_kind::pattern
           ? 0
           : std::hash<bytes_view>{}(name) % tables_per_kind;
}

const topic_table& topic_directory::table_of(topic_kind kind,
                                             bytes_view name) const noexcept {
  return tables_[static_cast<std::size_t>(kind)][place_of(kind, name)];
}

topic_table& topic_directory::table_of(topic_kind kind,
                                       bytes_view name) noexcept {
  return tables_[static_cast<std::size_t>(kind)][place_of(kind, name)];
}

std::shared_ptr<topic>
topic_directory::join(topic_kind kind, bytes_view name,
                      const std::shared_ptr<subscriber>& who) {
  auto& table = table_of(kind, name);
  std::shared_ptr<topic> ended;
  for (;;) {
    auto found = table.get_or_create(kind, name, ended.get());
    try {
      if (found->add(who) != topic::join_result::ended)
        return found;
    } catch (...) {
      if (found->remove(*who))
        table.forget(*found);
      throw;
    }
    ended = std::move(found);
  }
}

void topic_directory::leave(topic& where, const subscriber& who) noexcept {
  if (where.remove(who))
    table_of(where.name().kind, where.name().text).forget(where);
}

std::size_t topic_directory::publish(bytes_view channel, bytes_view payload) {
  const auto where = table_of(topic_kind::channel, channel).find(channel);
  const auto& patterns = table_of(topic_kind::pattern, {});
  if (!where && patterns.size() == 0)
    return 0;
  const auto what = std::make_shared<const publication>(
    publication{bytes{channel}, bytes{payload}});
  auto heard = where ? where->publish(what) : 0;
  if (patterns.size() == 0)
    return heard;
  const auto all = patterns.all();
  for (const auto& x : *all)
    if (matches_(x->name().text, channel))
      heard += x->publish(what);
  return heard;
}

std::size_t topic_directory::publish_sharded(bytes_view channel,
                                             bytes_view payload) {
  const auto where = table_of(topic_kind::sharded, channel).find(channel);
  return where ? where->publish(std::make_shared<const publication>(
           publication{bytes{channel}, bytes{payload}}))
               : 0;
}

std::size_t topic_directory::subscribers(topic_kind kind,
                                         bytes_view name) const {
  const auto found = table_of(kind, name).find(name);
  return found ? found->subscribers() : 0;
}

std::vector<std::shared_ptr<topic>>
topic_directory::list(topic_kind kind) const {
  std::vector<std::shared_ptr<topic>> result;
  for (const auto& table : tables_[static_cast<std::size_t>(kind)]) {
    const auto all = table.all();
    for (const auto& x : *all)
      if (x->subscribers() > 0)
        result.push_back(x);
  }
  return result;
}

std::size_t topic_directory::size(topic_kind kind) const noexcept {
  std::size_t sum = 0;
  for (const auto& table : tables_[static_cast<std::size_t>(kind)])
    sum += table.size();
  return sum;
}

} // namespace troupe
