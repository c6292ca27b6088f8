// One function for each row of the table of commands; cli/commands.cc puts them in order.
#pragma once

#include "cli/command.h"

namespace nokv::cli {

Command serve_row();
Command init_row();
Command status_row();
Command doctor_row();

Command ls_row();
Command tree_row();
Command stat_row();
Command cat_row();
Command head_row();
Command tail_row();
Command put_row();
Command put_artifact_row();
Command get_row();
Command import_row();
Command export_row();
Command mkdir_row();
Command rm_row();
Command mv_row();
Command cp_row();
Command ln_row();
Command touch_row();
Command chmod_row();
Command chown_row();
Command xattr_get_row();
Command xattr_set_row();
Command xattr_ls_row();
Command xattr_rm_row();
Command du_row();
Command df_row();
Command append_row();
Command edit_row();
Command publish_row();

Command snapshot_create_row();
Command snapshot_ls_row();
Command snapshot_rm_row();
Command snapshot_renew_row();
Command snapshot_policy_row();
Command log_row();
Command clone_row();
Command rollback_row();
Command diff_row();
Command merge_row();
Command undelete_row();
Command watch_row();

Command gc_row();
Command fsck_row();
Command quota_set_row();
Command quota_get_row();
Command quota_ls_row();
Command dump_row();
Command load_row();
Command backup_row();
Command restore_row();
Command bench_row();
Command objbench_row();

Command config_show_row();
Command completion_row();
Command version_row();
Command help_row();

}  // namespace nokv::cli
