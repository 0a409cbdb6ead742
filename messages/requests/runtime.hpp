#pragma once

// Requests to the supervisor about the whole runtime.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/requests/regions.hpp>
#include <troupe/messages/requests/services.hpp>

namespace troupe {

struct runtime_stat_request {
  bool with_regions = true;
};

fields<&runtime_stat_request::with_regions>
fields_of(const runtime_stat_request&);

struct runtime_stat {
  std::string version; ///< Of Troupe.
  std::chrono::milliseconds uptime{0};
  std::uint64_t process_id = 0;
  std::uint64_t resident_bytes = 0;   ///< Of the whole process.
  std::uint64_t cpu_milliseconds = 0; ///< User and system time of the process.
  /// Share of one processor that the process used during `cpu_window`; 1000: all of it.
  std::uint64_t cpu_permille = 0;
  std::chrono::milliseconds cpu_window{0}; ///< The period of `cpu_permille`.
  std::uint64_t threads = 0;               ///< Of the whole process.
  std::uint64_t open_files = 0;            ///< Descriptors, sockets included.
  std::uint64_t file_limit = 0;            ///< The limit of `open_files`.
  std::uint64_t actors = 0;
  std::uint64_t loads_in_flight = 0;
  std::uint64_t loader_threads = 0; ///< Started so far.
  std::uint64_t loader_queue = 0;   ///< Jobs that wait for a thread.
  bool draining = false;
  std::vector<region_info> regions;
  std::uint64_t actor_crashes = 0;
  std::uint64_t actor_restarts = 0; ///< After crashes and by command.
  std::uint64_t actors_failed = 0;  ///< Crashed too often and stay down.
  std::uint64_t shards_failed = 0;  ///< Failed actors that are shards.
  /// In the order of their start.
  std::vector<service_info> services;
};

fields<&runtime_stat::version, &runtime_stat::uptime, &runtime_stat::process_id,
       &runtime_stat::resident_bytes, &runtime_stat::cpu_milliseconds,
       &runtime_stat::cpu_permille, &runtime_stat::cpu_window,
       &runtime_stat::threads, &runtime_stat::open_files,
       &runtime_stat::file_limit, &runtime_stat::actors,
       &runtime_stat::loads_in_flight, &runtime_stat::loader_threads,
       &runtime_stat::loader_queue, &runtime_stat::draining,
       &runtime_stat::regions, &runtime_stat::actor_crashes,
       &runtime_stat::actor_restarts, &runtime_stat::actors_failed,
       &runtime_stat::shards_failed, &runtime_stat::services>
fields_of(const runtime_stat&);

/// Finishes the work in flight and stops all actors.
struct drain_request {
  std::chrono::milliseconds deadline{0};
};

fields<&drain_request::deadline> fields_of(const drain_request&);

struct drain_report {
  std::chrono::milliseconds took{0};
  /// What had not ended at the deadline: the first 100 loads and 100 actors by name,
  /// the others as a number ("312 more actors").
  std::vector<std::string> stuck;

  /// Clients that the application served when the drain began, and how many of them
  /// were disconnected at the deadline because they had not taken their replies.
  std::uint64_t clients = 0;
  std::uint64_t clients_cut = 0;
};

fields<&drain_report::took, &drain_report::stuck, &drain_report::clients,
       &drain_report::clients_cut>
fields_of(const drain_report&);

} // namespace troupe
