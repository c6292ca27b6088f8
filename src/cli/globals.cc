// The options that every command takes, and the settings among them.
#include <array>

#include "cli/command.h"

namespace nokv::cli {
namespace {

Option flag(std::string_view name, std::string_view help, char letter = 0) {
  return {.name = name, .letter = letter, .value = {}, .kind = ValueKind::none, .help = help};
}

Option option(std::string_view name, std::string_view value, ValueKind kind, std::string_view help,
              std::vector<std::string_view> choices = {}) {
  return {.name = name,
          .letter = 0,
          .value = value,
          .kind = kind,
          .help = help,
          .choices = std::move(choices)};
}

std::vector<GlobalOption> make() {
  using enum ValueKind;
  return {
      {.option = option("store", "URL", text,
                        "the namespace: nokv://HOST:PORT, unix:/PATH (servers), file:///DIR "
                        "(opened by the command itself)"),
       .setting = true,
       .env = "NOKV_STORE",
       .initial = "nokv://127.0.0.1:7777"},
      {.option = option("deadline", "TIME", duration,
                        "how long a server or object store that does not answer is tried"),
       .setting = true,
       .env = "NOKV_DEADLINE",
       .initial = "10s"},
      {.option = option("color", "WHEN", choice,
                        "colours: auto (on a terminal, unless NO_COLOR is set), always, never",
                        {"auto", "always", "never"}),
       .setting = true,
       .env = "NOKV_COLOR",
       .initial = "auto"},
      {.option = flag("bytes", "sizes in bytes instead of KiB and MiB"),
       .setting = true,
       .env = "NOKV_BYTES",
       .initial = "false"},
      {.option = flag("json", "the answer as JSON: one object, or one per line")},
      {.option = flag("progress", "with --json: a line of progress per second")},
      {.option = flag("dry-run", "say what would be done, and do nothing")},
      {.option = flag("yes", "do not ask", 'y')},
      {.option = option("config", "FILE", local,
                        "the config file, instead of ~/.config/nokv/config.toml")},
      {.option = option("server-bind", "HOST:PORT", text,
                        "where the server listens; for other commands, the server to ask"),
       .setting = true,
       .env = "NOKV_SERVER_BIND",
       .initial = "127.0.0.1:7777",
       .server = true},
      {.option = option("meta", "DIR", local,
                        "the server's data directory (default: /var/lib/nokv for root, else "
                        "~/.local/share/nokv)"),
       .setting = true,
       .env = "NOKV_META",
       .initial = "",
       .server = true},
      {.option = option("mount", "N", number, "the number of the namespace in the server"),
       .setting = true,
       .env = "NOKV_MOUNT",
       .initial = "1",
       .server = true},
      {.option = option("object-backend", "KIND", choice,
                        "where bodies are kept: local (in --meta), s3, rustfs, memory",
                        {"local", "s3", "rustfs", "memory"}),
       .setting = true,
       .env = "NOKV_OBJECT_BACKEND",
       .initial = "local",
       .server = true},
      {.option = option("object-bucket", "NAME", text, "the bucket (rustfs: nokv)"),
       .setting = true,
       .env = "NOKV_OBJECT_BUCKET",
       .initial = "",
       .server = true},
      {.option =
           option("object-endpoint", "URL", text,
                  "the S3 server (rustfs: http://127.0.0.1:9000; s3: AWS); with the bucket before "
                  "the host, http://BUCKET.HOST, in virtual-host style"),
       .setting = true,
       .env = "NOKV_OBJECT_ENDPOINT",
       .initial = "",
       .server = true},
      {.option = option("object-region", "NAME", text, "the region"),
       .setting = true,
       .env = "NOKV_OBJECT_REGION",
       .initial = "",
       .server = true},
      {.option = option("object-root", "DIR|PREFIX", text,
                        "local: the directory of the bodies; s3: the prefix of all keys"),
       .setting = true,
       .env = "NOKV_OBJECT_ROOT",
       .initial = "",
       .server = true},
      {.option = option("backup-every", "TIME", duration,
                        "the server makes a backup of the metadata this often; 0s: none by itself"),
       .setting = true,
       .env = "NOKV_BACKUP_EVERY",
       .initial = "0s",
       .server = true},
      {.option = option("backup-to", "URL", text,
                        "where backups go: file:///DIR or s3://BUCKET/PREFIX (default: backups/ "
                        "in the object store of the bodies)"),
       .setting = true,
       .env = "NOKV_BACKUP_TO",
       .initial = "",
       .server = true},
      {.option = option("backup-keep", "N", number,
                        "how many backups are kept there; the oldest go. 0: all"),
       .setting = true,
       .env = "NOKV_BACKUP_KEEP",
       .initial = "7",
       .server = true},
      {.option = option("import-from", "URL,...", text,
                        "what 'nokv import' may read with the server's credentials: "
                        "s3://BUCKET or s3://BUCKET/PREFIX, any, none (default: any where only "
                        "this machine reaches the server, else none)"),
       .setting = true,
       .env = "NOKV_IMPORT_FROM",
       .initial = "",
       .server = true},
      {.option = option("ready-file", "FILE", local,
                        "serve writes its URL there once it accepts requests"),
       .server = true},
  };
}

}  // namespace

std::span<const GlobalOption> global_options() {
  static const std::vector<GlobalOption> kOptions = make();
  return kOptions;
}

}  // namespace nokv::cli
