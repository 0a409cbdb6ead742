#include "apps/server/connections/workplace.hpp"

#include <exception>

#include <boost/asio/post.hpp>

#include "apps/server/state/defaults.hpp"

namespace troupe::server {

workplace::workplace(server_state& server, thread_counters& counters)
  : commands(server, counters), server_(server), counters_(counters) {
  answers_ = std::make_shared<answer_line>([this] {
    try {
      boost::asio::post(context_, [this] { serve_answers(); });
    } catch (const std::exception&) {
      return false;
    }
    return true;
  });
  input.prepare(defaults::read_size);
  output.bytes.prepare(defaults::read_size);
}

// Tickets outlive the thread that they would wake.
workplace::~workplace() {
  answers_->close();
}

void workplace::serve_answers() noexcept {
  while (const auto x = answers_->take())
    x->on_answer();
}

} // namespace troupe::server
