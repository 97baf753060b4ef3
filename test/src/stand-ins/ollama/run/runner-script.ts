/**
 * `llama-server` of the stand-in: per line of input it counts to the number it was given and says so. It costs nothing
 * while it waits, and ends with the process that started it, because its input ends.
 */
export const RUNNER_SCRIPT = `while read -r turns; do
  while [ "$turns" -gt 0 ]; do turns=$((turns - 1)); done
  echo .
done
`;
