#include "cli/cmd/rows.h"
#include "cli/context.h"
#include "cli/serve_options.h"

namespace nokv::cli {
namespace {

Result<Exit> run(Context& context) {
  NOKV_ASSIGN(ServeOptions options,
              context.as_usage(serve_options(context.settings, context.args)));
  return context.doors.serve(context, options);
}

}  // namespace

Command serve_row() {
  return {.name = "serve",
          .group = Group::server,
          .summary = "run the metadata server",
          .text =
              "Listens on --server-bind, with HTTP on the same port, and keeps names in --meta. "
              "Bodies go to --object-backend. Once it accepts requests it prints "
              "'listening nokv://HOST:PORT', and writes that URL to --ready-file. On an empty "
              "directory it waits for 'nokv init'.\n\n"
              "Credentials come from AWS's variables, else from AWS's files, else (with rustfs) "
              "from the development pair, else from the machine's role; never from flags. "
              "AWS_CA_BUNDLE names the certificates that an https:// store is checked against, for "
              "the server and for the commands that move bodies.\n\n"
              "SIGTERM and SIGINT finish what was admitted, then end it.",
          .positionals = {},
          .options = {{.name = "log-format",
                       .value = "FORMAT",
                       .kind = ValueKind::choice,
                       .help = "of the log on stderr: text or json",
                       .choices = {"text", "json"}},
                      {.name = "log-level",
                       .value = "LEVEL",
                       .kind = ValueKind::choice,
                       .help = "debug, info, warning or error",
                       .choices = {"debug", "info", "warning", "error"}},
                      {.name = "upload-ttl",
                       .value = "TIME",
                       .kind = ValueKind::duration,
                       .help = "an upload that is not published by then, since its client died, is "
                               "deleted (24h)"},
                      {.name = "events-kept",
                       .value = "TIME",
                       .kind = ValueKind::duration,
                       .help = "how long the log keeps events for 'nokv watch' (7d)"},
                      {.name = "events-kept-bytes",
                       .value = "SIZE",
                       .kind = ValueKind::size,
                       .help = "and how much log at most (4GiB); recovery may need more"},
                      {.name = "insecure-i-know",
                       .help = "listen on an address that other machines reach, without TLS and "
                               "authentication"}},
          .examples = {{"nokv serve", ""},
                       {"nokv --object-backend rustfs --meta /var/lib/nokv serve", ""}},
          .run = run};
}

}  // namespace nokv::cli
