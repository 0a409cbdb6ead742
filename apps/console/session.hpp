#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "apps/console/commands.hpp"
#include "apps/console/peer/answer.hpp"
#include "apps/console/peer/connection.hpp"
#include "apps/console/views/activity.hpp"

namespace troupe::console {

/// What is printed for a command.
struct outcome {
  exit_code code = succeeded;
  std::string text;      ///< Whole lines. For the standard output.
  std::string complaint; ///< Whole lines. For the standard error.
};

/// Runs commands one after the other. The region that `use` chose applies to the
/// commands after it. `top` shows once what happened since the last `top`; the caller
/// repeats it.
class session {
public:
  /// `peer` outlives the session. `colours` is for the text, never for JSON.
  session(connection& peer, bool json, bool colours = false)
    : peer_(peer), json_(json), colours_(colours) {
    // nop
  }

  /// Lines are kept within `width` characters where that is possible; zero: no
  /// limit.
  [[nodiscard]] outcome run(const command& what, std::size_t width);

  /// The region for commands on keys; empty while no server has reported its regions.
  [[nodiscard]] const std::string& region() const noexcept {
    return region_;
  }

  /// Asks the server for a region, when none is known.
  void look_for_region();

  /// The question for the user before a command that cannot be undone; empty for other
  /// commands.
  [[nodiscard]] std::string question(const command& what);

  /// What is printed for an error.
  [[nodiscard]] outcome report(const failure& x) const;

  /// Whether `quit` was asked for.
  [[nodiscard]] bool over() const noexcept {
    return over_;
  }

private:
  answer<std::string> on(const help_command& x);
  answer<std::string> on(const ls_command& x);
  answer<std::string> on(const stat_command& x);
  answer<std::string> on(const metrics_command& x);
  answer<std::string> on(const top_command& x);
  answer<std::string> on(const use_command& x);
  answer<std::string> on(const get_command& x);
  answer<std::string> on(const set_command& x);
  answer<std::string> on(const del_command& x);
  answer<std::string> on(const clear_command& x);
  answer<std::string> on(const explain_command& x);
  answer<std::string> on(const invalidate_command& x);
  answer<std::string> on(const regions_command& x);
  answer<std::string> on(const ttl_command& x);
  answer<std::string> on(const loads_command& x);
  answer<std::string> on(const breakers_command& x);
  answer<std::string> on(const cancel_command& x);
  answer<std::string> on(const kill_command& x);
  answer<std::string> on(const restart_command& x);
  answer<std::string> on(const drain_command& x);
  answer<std::string> on(const nodes_command& x);
  answer<std::string> on(const send_command& x);
  answer<std::string> on(const quit_command& x);

  /// The region for commands on keys, with its present figures.
  answer<region_info> where();
  answer<void> find_region(const std::string& name);
  answer<std::string> region_for(const std::string& name);
  template <class Request>
  auto ask_region(const Request& what)
    -> decltype(std::declval<connection&>().ask(std::string{}, what));
  void warn_of_bytes(const send_command& x);
  answer<std::string> kind_of(const std::string& actor);
  [[nodiscard]] std::vector<std::string> names(std::string_view kind);

  connection& peer_;
  bool json_;
  bool colours_;
  bool over_ = false;
  std::string region_;
  bool chosen_ = false;        ///< `use` chose the region.
  std::string warning_;        ///< Of the running command.
  std::optional<sample> last_; ///< The last one of `top`.
  std::size_t width_ = 0;
};

} // namespace troupe::console
