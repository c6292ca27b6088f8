# Writes OUTPUT with the version and the commit of SOURCE_DIR; leaves it alone when nothing changed.
cmake_minimum_required(VERSION 3.25)
execute_process(
  COMMAND git -C "${SOURCE_DIR}" rev-parse HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  set(commit "unknown")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT
"#define NOKV_BUILD_VERSION \"@VERSION@\"
#define NOKV_BUILD_COMMIT \"@commit@\"
" @ONLY)
