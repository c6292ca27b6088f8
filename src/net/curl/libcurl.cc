#include "net/curl/libcurl.h"

#include <dlfcn.h>

namespace nokv::net {
namespace {

constexpr const char* kFile = "libcurl.so.4";  // the ABI since 2006

std::unexpected<Error> not_loaded() {
  const char* why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc has one for each thread
  return std::unexpected(Error(Code::failed_precondition,
                               str("libcurl cannot be loaded: ", why == nullptr ? kFile : why))
                             .with_hint("install it, on Debian: apt install libcurl4"));
}

Result<Libcurl> open_library() {
  void* library = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return not_loaded();
  bool all = true;
  auto find = [&](auto& function, const char* name) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what dlsym is made for
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    all = all && function != nullptr;
  };
  decltype(&curl_global_init) global_init = nullptr;
  Libcurl out;
  find(global_init, "curl_global_init");
  find(out.easy_init, "curl_easy_init");
  find(out.easy_setopt, "curl_easy_setopt");
  find(out.easy_getinfo, "curl_easy_getinfo");
  find(out.easy_strerror, "curl_easy_strerror");
  find(out.easy_reset, "curl_easy_reset");
  find(out.easy_cleanup, "curl_easy_cleanup");
  find(out.slist_append, "curl_slist_append");
  find(out.slist_free_all, "curl_slist_free_all");
  find(out.multi_init, "curl_multi_init");
  find(out.multi_setopt, "curl_multi_setopt");
  find(out.multi_add_handle, "curl_multi_add_handle");
  find(out.multi_remove_handle, "curl_multi_remove_handle");
  find(out.multi_perform, "curl_multi_perform");
  find(out.multi_poll, "curl_multi_poll");
  find(out.multi_wakeup, "curl_multi_wakeup");
  find(out.multi_info_read, "curl_multi_info_read");
  find(out.multi_cleanup, "curl_multi_cleanup");
  if (!all) return not_loaded();
  if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return fail(Code::failed_precondition, "libcurl does not start");
  }
  return out;
}

}  // namespace

Result<const Libcurl*> Libcurl::load() {
  static const Result<Libcurl> kLibrary = open_library();
  if (!kLibrary) return std::unexpected(kLibrary.error());
  return &*kLibrary;
}

}  // namespace nokv::net
