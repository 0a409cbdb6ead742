#include "apps/console/session.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <troupe/messages/interface_forms.hpp>
#include <troupe/messages/types/text/suggest.hpp>

#include "apps/console/text/json.hpp"
#include "apps/console/text/units.hpp"
#include "apps/console/text/words.hpp"
#include "apps/console/typed_values.hpp"
#include "apps/console/views/message_views.hpp"
#include "apps/console/views/metrics.hpp"
#include "apps/console/views/views.hpp"

namespace troupe::console {

namespace {

/// Rows of 'metrics'; some 200 bytes each.
constexpr std::uint64_t most_metrics = 10'000;

std::string line(const json_object& x) {
  return x.text() + "\n";
}

/// Adds a suggestion to an error about a name.
failure with_suggestion(failure x, std::string_view name,
                        const std::vector<std::string>& names) {
  x.reason = {x.reason.code(), x.reason.text() + did_you_mean(name, names)};
  return x;
}

std::string overview() {
  std::string result;
  for (const auto& x : manuals()) {
    auto usage = x.usage();
    usage.resize(std::max(usage.size() + 2, std::size_t{24}), ' ');
    result += usage + std::string{x.title} + "\n";
  }
  return result + "\n'help COMMAND' explains a command.\n";
}

std::string page(const manual& x) {
  return x.usage() + "\n  " + std::string{x.title} + "\n"
         + (x.text.empty() ? "" : "\n") + std::string{x.text};
}

} // namespace

outcome session::run(const command& what, std::size_t width) {
  width_ = width;
  warning_.clear();
  auto result = std::visit([this](const auto& x) { return on(x); }, what);
  if (result)
    return {succeeded, std::move(*result),
            warning_.empty() ? warning_ : "warning: " + warning_ + "\n"};
  // The next server, or this server later, may have other regions.
  if (const auto code = result.error().reason.code();
      !chosen_ && code == errc::unknown_region)
    region_.clear();
  return report(result.error());
}

outcome session::report(const failure& x) const {
  if (json_)
    return {x.code, line(json_of(x)), {}};
  return {x.code, {}, text_of(x)};
}

void session::look_for_region() {
  if (region_.empty())
    static_cast<void>(where());
}

answer<region_info> session::where() {
  // The region that the prompt shows, even if the server has opened another one since.
  auto found = peer_.ask(region_info_request{region_});
  if (found)
    region_ = found->name;
  return found;
}

/// Sends a request to the chosen region.
template <class Request>
auto session::ask_region(const Request& what)
  -> decltype(std::declval<connection&>().ask(std::string{}, what)) {
  if (region_.empty())
    if (auto found = where(); !found)
      return tl::unexpected{std::move(found.error())};
  return peer_.ask(region_, what);
}

std::string session::question(const command& what) {
  const auto name = [](const std::string& x) { return quote_if_needed(x); };
  // No server has answered yet without a name; it may answer the command itself.
  const auto named = [&](const std::string& region) {
    if (region.empty())
      look_for_region();
    const auto& found = region.empty() ? region_ : region;
    return found.empty() ? std::string{"the server's first region"}
                         : name(found);
  };
  if (const auto* clear = std::get_if<clear_command>(&what))
    return "remove all keys of " + named(clear->region) + "?";
  if (const auto* tag = std::get_if<invalidate_command>(&what))
    return "remove all keys with the tag " + name(tag->tag) + " of "
           + named(tag->region) + "?";
  if (const auto* kill = std::get_if<kill_command>(&what))
    return "end " + name(kill->actor) + " as a crash would?";
  if (std::holds_alternative<drain_command>(what))
    return "stop the server?";
  const auto* send = std::get_if<send_command>(&what);
  if (send == nullptr)
    return {};
  const std::string_view message = send->message;
  for (std::string_view x :
       {"clear", "clear_namespace", "kill", "drain", "invalidate_tag"})
    if (message == x || message == std::string{x} + "_request")
      return "send " + std::string{x} + " to " + name(send->actor) + "?";
  return {};
}

answer<std::string> session::on(const help_command& x) {
  const auto* topic = find_manual(x.topic);
  auto text = topic == nullptr ? overview() : page(*topic);
  return json_ ? line(json_object{}.add("help", text)) : text;
}

answer<std::string> session::on(const ls_command& x) {
  auto found = peer_.ask(list_actors_request{x.prefix});
  if (!found)
    return tl::unexpected{std::move(found.error())};
  if (found->actors.empty() && !x.prefix.empty())
    return tl::unexpected{
      with_suggestion({failed,
                       {errc::unknown_actor, "no actor's name begins with "
                                               + quote_if_needed(x.prefix)}},
                      x.prefix, names(""))};
  if (json_)
    return line(json_of(*found));
  return text_of(*found, x.all || !x.prefix.empty(), width_, colours_);
}

answer<std::string> session::on(const stat_command&) {
  return peer_.ask(runtime_stat_request{}).map([this](const runtime_stat& x) {
    return json_ ? line(json_of(x)) : text_of(x, width_);
  });
}

answer<std::string> session::on(const metrics_command& x) {
  // All that the server has: a page of them would say little.
  return peer_.ask(list_metrics_request{x.prefix, most_metrics})
    .map([this](const metric_list& found) {
      return json_ ? line(json_of(found)) : text_of(found, width_);
    });
}

answer<std::string> session::on(const top_command&) {
  auto actors = peer_.ask(list_actors_request{});
  if (!actors)
    return tl::unexpected{std::move(actors.error())};
  auto process = peer_.ask(runtime_stat_request{false});
  if (!process)
    return tl::unexpected{std::move(process.error())};
  sample now{std::chrono::steady_clock::now(), std::move(*process),
             std::move(*actors)};
  const activity since{last_, now};
  last_ = std::move(now);
  return json_ ? line(since.json()) : since.text(width_, colours_);
}

/// Fails with `unknown_region` and a suggestion.
answer<void> session::find_region(const std::string& name) {
  return peer_.find(name).map_error([&](failure problem) {
    return problem.reason.code() == errc::unknown_region
             ? with_suggestion(std::move(problem), name, names("region"))
             : problem;
  });
}

answer<std::string> session::on(const use_command& x) {
  if (auto found = find_region(x.region); !found)
    return tl::unexpected{std::move(found.error())};
  region_ = x.region;
  chosen_ = true;
  return json_ ? line(json_object{}.add("region", region_))
               : "region " + quote_if_needed(region_) + "\n";
}

answer<std::string> session::on(const get_command& x) {
  return ask_region(get_request{x.key}).map([this](const get_reply& found) {
    if (json_) {
      auto result = json_object{}.add("found", found.found);
      if (found.found)
        result.add_bytes("value", found.value).add("version", found.version);
      return line(result);
    }
    return (found.found ? quote(found.value) : "(nil)") + "\n";
  });
}

answer<std::string> session::on(const set_command& x) {
  auto region = where();
  if (!region)
    return tl::unexpected{std::move(region.error())};
  if (!takes_text(*region, x.value))
    return tl::unexpected{
      failure{failed, {errc::type_mismatch, type_problem(*region)}}};
  set_request what{x.key, x.value, {}};
  if (x.ttl)
    what.how.ttl = *x.ttl;
  return peer_.ask(region->name, what).map([this](bool stored) {
    if (json_)
      return line(json_object{}.add("stored", stored));
    return std::string{stored ? "ok\n" : "not stored\n"};
  });
}

answer<std::string> session::on(const del_command& x) {
  std::uint64_t removed = 0;
  for (const auto& key : x.keys) {
    auto result = ask_region(erase_request{key});
    if (!result)
      return tl::unexpected{std::move(result.error())};
    removed += *result ? 1 : 0;
  }
  if (json_)
    return line(json_object{}.add("removed", removed));
  return "removed " + count_text(removed) + " of " + count_text(x.keys.size())
         + "\n";
}

answer<std::string> session::on(const ttl_command& x) {
  return ask_region(ttl_request{x.key}).map([this](const ttl_reply& found) {
    const bool expires = found.found && found.ttl != no_expiry;
    if (json_) {
      auto result = json_object{}.add("found", found.found);
      if (expires)
        result.add("ttl_ms", std::int64_t{found.ttl.count()});
      else
        result.add_null("ttl_ms");
      return line(result);
    }
    if (expires)
      return duration_text(found.ttl) + "\n";
    return std::string{found.found ? "none\n" : "(nil)\n"};
  });
}

answer<std::string> session::on(const kill_command& x) {
  if (auto done = peer_.ask(kill_request{x.actor}); !done) {
    auto& problem = done.error();
    if (problem.reason.code() != errc::unknown_actor)
      return tl::unexpected{std::move(problem)};
    return tl::unexpected{
      with_suggestion(std::move(problem), x.actor, names(""))};
  }
  return json_ ? line(json_object{}.add("killed", x.actor))
               : "killed " + quote_if_needed(x.actor) + "\n";
}

answer<std::string> session::on(const restart_command& x) {
  if (auto done = peer_.ask(restart_request{x.actor}); !done) {
    auto& problem = done.error();
    if (problem.reason.code() != errc::unknown_actor)
      return tl::unexpected{std::move(problem)};
    return tl::unexpected{
      with_suggestion(std::move(problem), x.actor, names(""))};
  }
  return json_ ? line(json_object{}.add("restarted", x.actor))
               : "restarted " + quote_if_needed(x.actor) + "\n";
}

answer<std::string> session::on(const drain_command& x) {
  auto report = peer_.ask(drain_request{x.deadline});
  if (!report)
    return tl::unexpected{std::move(report.error())};
  const auto took = duration_text(report->took);
  if (!report->stuck.empty() || report->clients_cut > 0) {
    auto text = "drained, but after " + took + " these had not ended:";
    if (report->clients_cut > 0)
      text += " " + count_text(report->clients_cut) + " of "
              + counted(report->clients, "client", "clients")
              + " (cut off: they did not read their replies)";
    for (const auto& name : report->stuck)
      text += " " + quote_if_needed(name);
    return tl::unexpected{failure{failed, {errc::timeout, std::move(text)}}};
  }
  if (json_)
    return line(json_object{}
                  .add("took_ms", std::int64_t{report->took.count()})
                  .add("clients", report->clients));
  return "drained in " + took
         + (report->clients == 0
              ? std::string{}
              : ", " + counted(report->clients, "client", "clients")
                  + " included")
         + "\n";
}

answer<std::string> session::on(const nodes_command&) {
  return peer_.ask(list_nodes_request{}).map([this](const node_list& x) {
    return json_ ? line(json_of(x)) : text_of(x, width_);
  });
}

answer<std::string> session::on(const send_command& x) {
  auto kind = kind_of(x.actor);
  if (!kind)
    return kind;
  const auto& forms = forms_of(*kind);
  if (x.message.empty())
    return json_ ? line(json_object{}
                          .add("actor", x.actor)
                          .add("kind", *kind)
                          .add("messages", json_of(forms)))
                 : text_of(forms, width_);
  const auto* form = find_form(forms, x.message);
  if (form == nullptr) {
    std::vector<std::string> all;
    all.reserve(forms.size());
    for (const auto& known : forms)
      all.push_back(known.name);
    return tl::unexpected{with_suggestion(
      {wrong_usage,
       {errc::invalid_argument,
        x.actor + " accepts no message " + quote_if_needed(x.message)}},
      x.message, all)};
  }
  return peer_.send(x.actor, *form, x.words).map([&](const field_value& found) {
    if (form->name == "set" || form->name == "compare_and_set")
      warn_of_bytes(x);
    if (!json_)
      return text_of(found, width_);
    json_object result;
    add_value(result, "answer", found);
    if (!warning_.empty())
      result.add("warning", std::exchange(warning_, {}));
    return line(result);
  });
}

/// Warns that bytes were written as typed into a region with typed values: messages
/// accept any bytes.
void session::warn_of_bytes(const send_command& x) {
  const auto name = x.actor.substr(0, x.actor.find('/'));
  if (const auto found = peer_.ask(region_info_request{name});
      found && found->encoding != "bytes")
    warning_
      = quote_if_needed(name) + " holds values of type "
        + quote_if_needed(found->value_type)
        + "; the bytes were written as typed, and may not be such a value";
}

/// The kind of an actor that accepts messages.
answer<std::string> session::kind_of(const std::string& actor) {
  auto kind = peer_.kind_of(actor);
  if (!kind && kind.error().reason.code() == errc::unknown_actor)
    return tl::unexpected{
      with_suggestion(std::move(kind.error()), actor, names(""))};
  if (kind && forms_of(*kind).empty())
    return tl::unexpected{failure{
      failed,
      {errc::invalid_argument,
       "this console knows no messages for actors of the kind "
         + quote_if_needed(*kind) + "; the server may have another version"}}};
  return kind;
}

answer<std::string> session::on(const quit_command&) {
  over_ = true;
  return json_ ? line(json_object{}.add("bye", true)) : std::string{};
}

std::vector<std::string> session::names(std::string_view kind) {
  std::vector<std::string> result;
  if (auto all = peer_.ask(list_actors_request{}))
    for (const auto& x : all->actors)
      if (kind.empty() || x.kind == kind)
        result.push_back(x.name);
  return result;
}

} // namespace troupe::console
