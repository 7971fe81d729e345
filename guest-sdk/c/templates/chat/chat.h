// What the files of the chat share.
#ifndef CHAT_H
#define CHAT_H

enum {
  // How many lines a joiner is told.
  KEPT_LINES = 50,
  // In bytes. So all that is kept fits into a joiner's queue, which has 1 MiB.
  LONGEST_TEXT = 4 * 1024,
  // In characters.
  LONGEST_NAME = 32,
};

// The name that was asked for, without what could make a line look like another: letters and
// digits of any script, spaces, and `-_.'` are left. free() it.
char *name_of(const char *asked);

#endif
