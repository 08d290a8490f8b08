/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code is it? A frame is the application's unless it belongs to the C library, the loader, an
 * interpreter or another part of the system; people look for the culprit among the former.
 */
#ifndef LOOPSTALL_SYMBOL_OWNERSHIP_H
#define LOOPSTALL_SYMBOL_OWNERSHIP_H

#include <stdbool.h>

/* is_main: it is the program that the process runs, and not a library. */
bool ownership_is_application(const char *path, bool is_main);
/* Memory that has a file only in the kernel: what code lies there the process has put there itself. */
bool ownership_is_memory(const char *path);
/* A library that is a part of the program although it lies among the system's: in a folder of the program's name. */
bool ownership_is_plugin(const char *path, const char *exe);
/* A library that came with the interpreter that the process runs, wherever that was put: /opt/conda/lib beside /opt/conda/bin/python3.11. */
bool ownership_is_of_interpreter(const char *path, const char *exe);
/* A Python source file: not of the standard library and not installed as a package; "" is nobody's. */
bool ownership_is_python_application(const char *path);
/* A JavaScript source file: not of the runtime and not installed as a package; "" is nobody's. */
bool ownership_is_js_application(const char *path);
/* A function of a program that is a library's, linked into it: of Rust's and C++'s standard libraries, of tokio's scheduler. */
bool ownership_is_linked_library(const char *name);
/* A library's function by its name: one that stands in for libc's, as preloaded agents and profilers have them. */
bool ownership_is_interposer(const char *name);

/* A source file of compiled code: inlined from one, or an instance of what it has, a function is not the application's. */
bool ownership_is_installed_source(const char *path);
/* A method by its class: "app.Loop.spin" is the application's, "java.util.HashMap.get" is not. */
bool ownership_is_method_application(const char *name);
/* Does this program compile JavaScript at run time? */
bool ownership_runs_js(const char *path);

#endif
