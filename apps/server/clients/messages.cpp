#include "apps/server/clients/messages.hpp"

#include <vector>

#include <troupe/actors/topics/subscriptions.hpp>

#include "apps/server/state/defaults.hpp"

namespace troupe::server {

namespace {

void write(const delivery& x, resp::reply_writer& reply) {
  switch (x.by->kind) {
    case topic_kind::channel:
      reply.push(3);
      reply.bulk("message");
      break;
    case topic_kind::pattern:
      reply.push(4);
      reply.bulk("pmessage");
      reply.bulk(x.by->text);
      break;
    case topic_kind::sharded:
      reply.push(3);
      reply.bulk("smessage");
      break;
  }
  reply.bulk(x.what->channel);
  reply.bulk(x.what->payload);
}

} // namespace

bool write_messages(client& self, resp::reply_writer& reply) {
  if (!self.listening)
    return false;
  std::vector<delivery> taken;
  const auto more = self.listening->who()->take(defaults::flush_size, taken);
  if (!taken.empty())
    reply.aside([&] {
      for (const auto& x : taken)
        write(x, reply);
    });
  return more;
}

void write_messages_before_reply(client& self, resp::reply_writer& reply) {
  if (self.changing)
    return;
  while (write_messages(self, reply))
    ;
}

} // namespace troupe::server
