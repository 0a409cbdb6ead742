#include "apps/server/resp_server.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "apps/server/acceptor.hpp"
#include "apps/server/settings_file.hpp"

namespace troupe::server {

resp_server::resp_server(databases::opener open, serve_options options)
  : open_([this, open = std::move(open)](std::size_t index) {
      auto opened = open(index);
      // It may have been changed since the options were read.
      if (opened)
        if (auto ok = (*opened)->set_eviction(state_.live.eviction); !ok)
          return decltype(opened){tl::unexpect, std::move(ok.error())};
      return opened;
    }) {
  state_.options = std::move(options);
  state_.live.max_connections = state_.options.max_connections;
  state_.live.max_client_memory = state_.options.max_client_memory;
  state_.live.idle_timeout = state_.options.idle_timeout;
  state_.live.eviction = state_.options.eviction;
  state_.access.password(std::exchange(state_.options.password, {}));
  auto output = state_.live.output();
  const auto& pubsub = state_.options.pubsub;
  output[pubsub_class]
    = {pubsub.bytes, pubsub.soft_bytes, pubsub.soft_time.count()};
  state_.live.output(output, pubsub.messages);
  state_.at_start = settings_of(state_);
}

resp_server::~resp_server() {
  stop(std::chrono::milliseconds{0});
}

expected<void> resp_server::start() {
  if (state_.options.tls.port) {
    auto context = tls_context::load(state_.options.tls);
    if (!context)
      return tl::unexpected{std::move(context.error())};
    state_.tls.install(state_.options.tls, std::move(*context));
    state_.options.tls.key_file_pass.clear();
  }
  if (auto opened = state_.databases.start(state_.options.databases, open_);
      !opened)
    return opened;
  const auto threads = std::max<std::size_t>(state_.options.threads, 1);
  for (std::size_t i = 0; i < threads; ++i)
    workers_.push_back(
      std::make_unique<worker>(state_, state_.threads.emplace_back()));
  if (auto listening = listen(); !listening)
    return listening;
  if (auto started = start_threads(); !started)
    return started;
  for (auto& x : acceptors_)
    x->start();
  return {};
}

expected<void> resp_server::listen() {
  auto& options = state_.options;
  const auto open = [this](acceptor::kind what, std::uint16_t& port) {
    auto& added = acceptors_.emplace_back(
      std::make_unique<acceptor>(workers_, state_, what));
    return added->listen().map([&] { port = added->port(); });
  };
  if (options.plain)
    if (auto opened = open(acceptor::kind::plain, options.port); !opened)
      return opened;
  if (options.tls.port)
    return open(acceptor::kind::tls, *options.tls.port);
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
  for (auto& x : acceptors_)
    x->stop();
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
