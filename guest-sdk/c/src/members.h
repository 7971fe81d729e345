// The connections of this instance, with their states.
#ifndef SOCKLET_MEMBERS
#define SOCKLET_MEMBERS

#include "../socklet/handler.h"

void members_add(socklet_connection connection, void *state);

// Answers the state that was kept for it.
void *members_remove(socklet_connection connection);

#endif
