// What the files of the project share.
const char *cheer(void);
