TIMEFORMAT=%0lR; { time true; } 2>&1 | tr -d '0-9'
date -u -d @86400 +%F_%T; printf '%(%Y-%m-%d)T\n' 0; SECONDS=100; ((SECONDS >= 100)) && echo ticking
sleep 0.01; timeout 0.2 sleep 5; echo $?; timeout 5 true; echo $?
TZ=UTC date -d '2024-02-29 +1 year' +%F; ((EPOCHSECONDS > 1700000000)) && echo now
[ "$RANDOM" != "$RANDOM$RANDOM" ] && echo random
