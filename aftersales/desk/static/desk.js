// Countdown, keys and live update; every page works without it.
"use strict";
