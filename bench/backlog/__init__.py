"""What a long queue costs: ``bench/queue``, or ``make bench-queue N=1000000``.

In comes a number of recipients, out go figures beside their goals. The queue is
filled through the relay's own enqueue, so that it is what acceptance would have
made of as many messages; no message is sent to fill it.
"""
