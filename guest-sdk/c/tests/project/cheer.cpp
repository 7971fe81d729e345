extern "C" const char *cheer() {
  return CHEER;
}
