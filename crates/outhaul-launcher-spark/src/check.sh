# Looks at the Spark of a host. `given` and `wanted` are set before: the folder of Spark and the master, where they were
# named. Answers one fact a line. POSIX sh.

# The folder of a Spark whose programs lie there, or in the folder of programs of a Python that has it as a package.
home_of() {
    [ -x "$1/spark-submit" ] || return 1
    real=$(readlink -f "$1/spark-submit") && real=${real%/bin/spark-submit}
    [ -d "$real/jars" ] || real=$("$1/python3" -c 'import importlib.util as u; print(list(u.find_spec("pyspark").submodule_search_locations)[0])' 2> /dev/null)
    [ -d "$real/jars" ] && home=$real
}

home=
if [ -n "$given" ]; then
    home_of "$given/bin" || { echo "nothing-at $given"; exit 0; }
else
    on_path=$(command -v spark-submit 2> /dev/null)
    for place in ${SPARK_HOME:+"$SPARK_HOME/bin"} ${on_path:+"${on_path%/*}"} /usr/hdp/current/spark3-client/bin \
        /usr/hdp/current/spark2-client/bin /usr/hdp/current/spark-client/bin /opt/spark/bin /usr/local/spark/bin /usr/lib/spark/bin; do
        home_of "$place" && break
    done
fi
[ -n "$home" ] || { echo missing; exit 0; }
echo "submit $home/bin/spark-submit"
SPARK_HOME=$home "$home/bin/spark-submit" --version 2>&1 | sed 's/^/said /'
defaults=${SPARK_CONF_DIR:-$home/conf}/spark-defaults.conf
configured=$(sed -n 's/^[[:space:]]*spark\.master[[:space:]=]\{1,\}\([^[:space:]]*\).*/\1/p' "$defaults" 2> /dev/null | tail -n 1)
yarn=$(command -v yarn 2> /dev/null)
[ -z "$yarn" ] || echo "yarn $yarn"
master=${wanted:-$configured}
[ -n "$master" ] || if [ -n "$yarn" ]; then master=yarn; else master='local[*]'; fi
echo "master $master"
case $master in
yarn)
    # Without a limit it asks for many minutes.
    timeout 40 yarn node -list 2>&1 | sed -n 's/^Total Nodes:[[:space:]]*/nodes /p'
    command -v hadoop > /dev/null 2>&1 || echo no-hadoop
    ;;
spark://*)
    for address in $(echo "${master#spark://}" | tr , ' '); do
        if python3 -c 'import socket, sys
socket.create_connection((sys.argv[1].strip("[]"), int(sys.argv[2])), 5)' "${address%:*}" "${address##*:}" 2> /dev/null; then
            echo "reached $address"
        else
            echo "unreached $address"
        fi
    done
    ;;
esac
:
