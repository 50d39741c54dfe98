# What a hit of the page cache says of itself, in perl: nginx 1.26 has no variable for either, and njs would make its objects anew for each request.
package hits;

use strict;
use warnings;

# Seconds since the page was made; undefined where it was made for this very request.
sub age {
    my ($request) = @_;
    my $at = $request->variable('upstream_http_x_subako_at') || return undef;
    my $state = $request->variable('upstream_cache_status') // '';
    return undef if $state eq 'MISS' || $state eq 'EXPIRED';
    my $age = time - $at;
    return $age < 0 ? 0 : int $age;
}

# Cache-Status of RFC 9211.
sub status {
    my ($request) = @_;
    my $state = $request->variable('upstream_cache_status') // '';
    my $keep = $request->variable('upstream_http_x_accel_expires') || 0;
    if ($state eq 'HIT' || $state eq 'STALE' || $state eq 'UPDATING' || $state eq 'REVALIDATED') {
        return 'Subako; hit; ttl=' . whole(($request->variable('upstream_http_x_subako_at') || 0) + $keep - time);
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
