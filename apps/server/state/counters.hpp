#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::server {

/// What one thread counts. Written by that thread only, read by any.
class alignas(64) thread_counters {
public:
  class counter {
  public:
    void add(std::uint64_t n) noexcept {
      // A single writer needs no locked instruction.
      value_.store(value_.load(std::memory_order_relaxed) + n,
                   std::memory_order_relaxed);
    }

    [[nodiscard]] std::uint64_t value() const noexcept {
      return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
  };

  counter connections_opened;
  counter connections_closed;
  counter connections_rejected;
  counter commands;
  counter errors;        ///< Streams that were not RESP.
  counter http_requests; ///< Connections that were closed for one.
  counter hits;
  counter misses;
  counter bytes_read;
  counter bytes_written;
  /// They did not take their messages in time: too many waited, or many for
  /// too long.
  counter subscribers_cut_hard;
  counter subscribers_cut_soft;
  counter handshakes_failed; ///< Of TLS.
  /// They sent more than their bound and took no replies, or all kept too much.
  counter query_buffer_exceeded;
  counter clients_evicted;
};

/// The sum over all threads; not a snapshot at one instant.
struct server_counters {
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_closed = 0;
  std::uint64_t connections_rejected = 0;
  std::uint64_t commands = 0;
  std::uint64_t errors = 0;
  std::uint64_t http_requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t subscribers_cut_hard = 0;
  std::uint64_t subscribers_cut_soft = 0;
  std::uint64_t handshakes_failed = 0;
  std::uint64_t query_buffer_exceeded = 0;
  std::uint64_t clients_evicted = 0;

  // What all databases count.
  std::uint64_t evictions = 0;
  std::uint64_t expirations = 0;
  std::uint64_t relocations = 0;

  std::uint64_t connected = 0; ///< At present; never reset.

  /// What came on top of `before`.
  [[nodiscard]] server_counters
  since(const server_counters& before) const noexcept {
    auto result = *this;
    for (const auto counter :
         {&server_counters::connections_opened,
          &server_counters::connections_closed,
          &server_counters::connections_rejected, &server_counters::commands,
          &server_counters::errors, &server_counters::http_requests,
          &server_counters::hits, &server_counters::misses,
          &server_counters::bytes_read, &server_counters::bytes_written,
          &server_counters::subscribers_cut_hard,
          &server_counters::subscribers_cut_soft,
          &server_counters::handshakes_failed,
          &server_counters::query_buffer_exceeded,
          &server_counters::clients_evicted, &server_counters::evictions,
          &server_counters::expirations, &server_counters::relocations})
      result.*counter -= before.*counter;
    return result;
  }
};

} // namespace troupe::server
