// What a text message that begins with `/` does.
#ifndef CONFORMANCE_COMMANDS_H
#define CONFORMANCE_COMMANDS_H

#include "state.h"

// `line` is what follows the slash, NUL-terminated. It is cut into its words.
void run_command(state *state, socklet_connection connection, char *line);

#endif
