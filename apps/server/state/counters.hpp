#pragma once

#include <troupe/messages/types/metrics/cells.hpp>

namespace troupe::server {

/// What one thread counts. Written by that thread only, read by any.
///
/// A new counter is one declaration here and the line that counts; with a field of INFO,
/// INFO shows it behind the fields that monitors know (info.cpp).
struct alignas(64) thread_counters : metric_cells {
  counter_cell connections_opened{
    *this,
    {.name = "troupe_server_connections_total",
     .help = "Connections that were accepted.",
     .info = {"stats", "total_connections_received"}}};
  gauge connected{*this,
                  {.name = "troupe_server_connected_clients",
                   .help = "Connections that are open.",
                   .info = {"clients", "connected_clients"}}};
  counter_cell connections_rejected{
    *this,
    {.name = "troupe_server_rejected_connections_total",
     .help = "Connections that were refused because of maxclients.",
     .info = {"stats", "rejected_connections"}}};
  counter_cell commands{*this,
                        {.name = "troupe_server_commands_total",
                         .help = "Commands that were executed or refused.",
                         .info = {"stats", "total_commands_processed"}}};
  counter_cell errors{
    *this,
    {.name = "troupe_server_protocol_errors_total",
     .help = "Connections that were closed because they did not send RESP.",
     .info = {"stats", "protocol_errors"}}};
  counter_cell http_requests{
    *this,
    {.name = "troupe_server_refused_http_requests_total",
     .help = "Connections that were closed for a request of HTTP.",
     .info = {"stats", "http_requests_refused"}}};
  counter_cell hits{*this,
                    {.name = "troupe_server_keyspace_hits_total",
                     .help = "Keys that commands asked for and found.",
                     .info = {"stats", "keyspace_hits"}}};
  counter_cell misses{*this,
                      {.name = "troupe_server_keyspace_misses_total",
                       .help = "Keys that commands asked for in vain.",
                       .info = {"stats", "keyspace_misses"}}};
  counter_cell bytes_read{*this,
                          {.name = "troupe_server_received_bytes_total",
                           .help = "Bytes that clients have sent.",
                           .unit = metric_unit::byte,
                           .info = {"stats", "total_net_input_bytes"}}};
  counter_cell bytes_written{*this,
                             {.name = "troupe_server_sent_bytes_total",
                              .help = "Bytes that were sent to clients.",
                              .unit = metric_unit::byte,
                              .info = {"stats", "total_net_output_bytes"}}};
  counter_cell subscribers_cut_hard{
    *this,
    {.name = "troupe_server_subscribers_cut_by_hard_limit_total",
     .help = "Subscribers that were closed because too much waited for them.",
     .info = {"stats", "subscribers_cut_by_hard_limit"}}};
  counter_cell subscribers_cut_soft{
    *this,
    {.name = "troupe_server_subscribers_cut_by_soft_limit_total",
     .help = "Subscribers that were closed because much waited for them for "
             "too long.",
     .info = {"stats", "subscribers_cut_by_soft_limit"}}};
  counter_cell handshakes_failed{
    *this,
    {.name = "troupe_server_failed_tls_handshakes_total",
     .help = "Connections whose TLS handshake failed.",
     .info = {"stats", "tls_handshakes_failed"}}};
  counter_cell query_buffer_exceeded{
    *this,
    {.name = "troupe_server_query_buffer_disconnections_total",
     .help = "Clients that were closed because they sent more than their bound "
             "and took no replies.",
     .info = {"stats", "client_query_buffer_limit_disconnections"}}};
  counter_cell clients_evicted{
    *this,
    {.name = "troupe_server_evicted_clients_total",
     .help = "Clients that were closed because of maxmemory-clients.",
     .info = {"stats", "evicted_clients"}}};
};

} // namespace troupe::server
