#include "apps/server/resp_server.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "apps/server/acceptor.hpp"

namespace troupe::server {

resp_server::resp_server(databases::opener open, serve_options options)
  : open_(std::move(open)) {
  state_.options = std::move(options);
  state_.live.max_connections = state_.options.max_connections;
  state_.live.idle_timeout = state_.options.idle_timeout;
  state_.access.password(std::exchange(state_.options.password, {}));
}

resp_server::~resp_server() {
  stop(std::chrono::milliseconds{0});
}

expected<void> resp_server::start() {
  if (auto opened = state_.databases.start(state_.options.databases, open_);
      !opened)
    return opened;
  const auto threads = std::max<std::size_t>(state_.options.threads, 1);
  for (std::size_t i = 0; i < threads; ++i)
    workers_.push_back(
      std::make_unique<worker>(state_, state_.threads.emplace_back()));
  acceptor_ = std::make_unique<acceptor>(workers_, state_);
  if (auto listening = acceptor_->listen(); !listening)
    return listening;
  state_.options.port = acceptor_->port();
  if (auto started = start_threads(); !started)
    return started;
  acceptor_->start();
  return {};
}

expected<void> resp_server::start_threads() {
  try {
    for (auto& x : workers_) {
      std::lock_guard lock{mutex_};
      threads_.emplace_back([this, &x] { run(*x); });
      ++running_;
    }
  } catch (const std::system_error& failure) {
    return fail(errc::system_error,
                std::string{"cannot start a thread: "} + failure.what());
  }
  return {};
}

void resp_server::run(worker& which) {
  which.run();
  std::lock_guard lock{mutex_};
  --running_;
  changed_.notify_all();
}

std::size_t resp_server::stop(std::chrono::milliseconds deadline) {
  if (threads_.empty())
    return 0;
  acceptor_->stop();
  for (auto& x : workers_)
    x->drain();
  {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, deadline, [this] { return running_ == 0; });
  }
  std::size_t cut_off = 0;
  for (auto& x : workers_) {
    cut_off += x->load();
    x->abort();
  }
  for (auto& x : threads_)
    x.join();
  threads_.clear();
  return cut_off;
}

} // namespace troupe::server
