# What an answer from the page cache says of itself, in perl: nginx 1.26 has no variable for it, and njs would make its objects anew for each request.
package hits;

use strict;
use warnings;

# Of a kept page two numbers: seconds since it was made, and seconds for which it is good, below 0 where it is too old. Of any other Cache-Status (RFC 9211).
sub told {
    my ($request) = @_;
    my $state = $request->variable('upstream_cache_status') // '';
    my $keep = $request->variable('upstream_http_x_accel_expires') || 0;
    if ($state eq 'HIT' || $state eq 'STALE' || $state eq 'UPDATING' || $state eq 'REVALIDATED') {
        my $at = $request->variable('upstream_http_x_subako_at') || 0;
        my $now = time;
        my $age = $now > $at ? int($now - $at) : 0;
        return $age . ' ' . whole($at + $keep - $now);
    }
    return 'Subako; fwd=' . ($state eq 'EXPIRED' ? 'stale' : 'miss') . ($keep > 0 ? '; stored' : '');
}

# The next whole number below.
sub whole {
    my ($number) = @_;
    my $cut = int $number;
    return $number < $cut ? $cut - 1 : $cut;
}

1;
