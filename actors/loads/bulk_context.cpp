#include <troupe/actors/loads/bulk_context.hpp>

#include <atomic>
#include <deque>

namespace troupe {

struct bulk_context::all_stopped {
  explicit all_stopped(const std::vector<load_context>& all)
    : left(all.size()) {
    for (const auto& x : all)
      each.emplace_back(x.stop(), [this] {
        if (left.fetch_sub(1) == 1)
          source.request_stop();
      });
  }

  std::stop_source source;
  std::atomic<std::size_t> left;
  std::deque<std::stop_callback<std::function<void()>>> each;
};

std::stop_token bulk_context::stop() {
  if (stop_ == nullptr)
    stop_ = std::make_shared<all_stopped>(each_);
  return stop_->source.get_token();
}

} // namespace troupe
