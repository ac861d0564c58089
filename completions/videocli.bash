_videocli_completion() {
    local IFS=$'\n' line=${COMP_LINE:0:COMP_POINT} value kept
    # Typer's answer for fish takes the line as it is, where bash parts words at ":" and "=" too.
    COMPREPLY=( $( env _VIDEOCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
                   _TYPER_COMPLETE_ARGS="$line" "$1" 2>/dev/null ) )
    COMPREPLY=( "${COMPREPLY[@]%%$'\t'*}" )
    value=${line##*[[:space:]]}
    [[ $value == -*=* ]] && value=${value#*=}
    if [[ $value == *:* && $COMP_WORDBREAKS == *:* ]]; then
        kept=${value%"${value##*:}"}
        COMPREPLY=( "${COMPREPLY[@]#"$kept"}" )
    fi
}

complete -o default -F _videocli_completion videocli
