import type { Place, Tree, Word } from "./tree.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** The completion script of a shell: the words of each place, and which place the line so far leads to. */
export const scripts: Readonly<Record<Shell, (tree: Tree) => string>> = { bash, zsh, fish };

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const list = (words: readonly Word[]) => words.map(({ word }) => word).join(" ");

/** `case` arms that go from a path and the next word to the path behind it. */
function steps({ places }: Tree): string {
  const arms = places.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  return arms.join("|");
}

function bash(tree: Tree): string {
  return `# fettle completion for bash; in ~/.bashrc: source <(fettle completion bash)
_fettle() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' word next skip=no index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $skip == yes ]]; then skip=no; continue; fi
    case $word in
      ${tree.valued.join("|")}) skip=yes ;;
      -*) ;;
      *)
        next="\${path:+$path }$word"
        case $next in ${steps(tree)}) path=$next ;; esac
        ;;
    esac
  done
  [[ $skip == no ]] || return 0
  local commands='' options=''
  case $path in
${tree.places.map(bashArm).join("\n")}
  esac
  if [[ $current == -* || -z $commands ]]; then commands=$options; fi
  mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
}
complete -o default -F _fettle fettle
`;
}

function bashArm({ path, commands, options }: Place): string {
  return `    ${quoted(path)}) commands=${quoted(list(commands))} options=${quoted(list(options))} ;;`;
}

function zsh(tree: Tree): string {
  return `#compdef fettle
# fettle completion for zsh; in ~/.zshrc after compinit: source <(fettle completion zsh)
_fettle() {
  local at='' word next skip=no index
  for ((index = 2; index < CURRENT; index++)); do
    word=\${words[index]}
    if [[ $skip == yes ]]; then skip=no; continue; fi
    case $word in
      ${tree.valued.join("|")}) skip=yes ;;
      -*) ;;
      *)
        next="\${at:+$at }$word"
        case $next in ${steps(tree)}) at=$next ;; esac
        ;;
    esac
  done
  if [[ $skip == yes ]]; then _files; return; fi
  local -a below flags
  case $at in
${tree.places.map(zshArm).join("\n")}
  esac
  if (( \${#below} )) && [[ $PREFIX != -* ]]; then _describe command below; return; fi
  if [[ $PREFIX == -* ]]; then _describe -o option flags; else _files; fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _fettle "$@"; else compdef _fettle fettle; fi
`;
}

function zshArm({ path, commands, options }: Place): string {
  const described = (words: readonly Word[]) =>
    words.map(({ word, means }) => quoted(`${word.replaceAll(":", "\\:")}:${means}`)).join(" ");
  return `    ${quoted(path)}) below=(${described(commands)}) flags=(${described(options)}) ;;`;
}

function fish(tree: Tree): string {
  const lines = tree.places.flatMap(({ path, commands, options }) => {
    const when = `-n ${quoted(`test (__fettle_at) = ${path === "" ? '""' : `"${path}"`}`)}`;
    return [
      ...commands.map(({ word, means }) => `complete -c fettle -f ${when} -a ${word} -d ${quoted(means)}`),
      ...options.map(
        ({ word, means }) => `complete -c fettle ${when} -l ${word.slice(2)}${needs(tree, word)} -d ${quoted(means)}`,
      ),
    ];
  });
  return `# fettle completion for fish; fettle completion fish > ~/.config/fish/completions/fettle.fish
function __fettle_at
    set -l at ''
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case ${tree.valued.join(" ")}
                set skip yes
            case '-*'
            case '*'
                set -l next (string trim "$at $word")
                if contains -- $next ${tree.places
                  .filter(({ path }) => path !== "")
                  .map(({ path }) => quoted(path))
                  .join(" ")}
                    set at $next
                end
        end
    end
    echo $at
end
${lines.join("\n")}
`;
}

function needs({ valued }: Tree, word: string): string {
  return valued.includes(word) ? " -r" : "";
}
