// The table of commands, in the order of help.
#include "cli/cmd/rows.h"
#include "cli/command.h"

namespace nokv::cli {

std::span<const Command> commands() {
  static const std::vector<Command> kCommands = {
      serve_row(),
      init_row(),
      status_row(),
      doctor_row(),

      ls_row(),
      tree_row(),
      stat_row(),
      cat_row(),
      head_row(),
      tail_row(),
      put_row(),
      put_artifact_row(),
      get_row(),
      import_row(),
      export_row(),
      mkdir_row(),
      rm_row(),
      mv_row(),
      cp_row(),
      ln_row(),
      touch_row(),
      chmod_row(),
      chown_row(),
      xattr_get_row(),
      xattr_set_row(),
      xattr_ls_row(),
      xattr_rm_row(),
      du_row(),
      df_row(),
      append_row(),
      edit_row(),
      publish_row(),

      snapshot_create_row(),
      snapshot_ls_row(),
      snapshot_rm_row(),
      snapshot_renew_row(),
      snapshot_policy_row(),
      clone_row(),
      diff_row(),
      merge_row(),
      rollback_row(),
      log_row(),
      undelete_row(),
      watch_row(),

      gc_row(),
      fsck_row(),
      quota_set_row(),
      quota_get_row(),
      quota_ls_row(),
      dump_row(),
      load_row(),
      backup_row(),
      restore_row(),
      bench_row(),
      objbench_row(),

      config_show_row(),
      completion_row(),
      version_row(),
      help_row(),
  };
  return kCommands;
}

}  // namespace nokv::cli
