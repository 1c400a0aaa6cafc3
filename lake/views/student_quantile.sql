-- Purpose: how many standard errors a 95 % interval reaches to each side, where the spread is estimated from few units.
-- Grain: one row per number of degrees of freedom, 1 to 1,000; the last is right to 0.2 % for more.
-- Units: 97.5 % quantile of Student's distribution: for 1 and 2 in closed form, from 3 on by the expansion of Abramowitz and
-- Stegun 26.7.5 about the normal quantile, right to 0.2 %.
CREATE OR REPLACE VIEW student_quantile AS
SELECT
    freedom::INTEGER AS freedom,
    CASE freedom
        WHEN 1 THEN tan(0.475 * pi())
        WHEN 2 THEN 0.95 / sqrt(2 * 0.975 * 0.025)
        ELSE z + (z^3 + z) / (4 * freedom) + (5 * z^5 + 16 * z^3 + 3 * z) / (96 * freedom^2)
            + (3 * z^7 + 19 * z^5 + 17 * z^3 - 15 * z) / (384 * freedom^3)
            + (79 * z^9 + 776 * z^7 + 1482 * z^5 - 1920 * z^3 - 945 * z) / (92160 * freedom^4)
    END AS quantile
FROM range(1, 1001) AS numbers (freedom)
CROSS JOIN (SELECT 1.959963984540054::DOUBLE AS z) AS normal
ORDER BY freedom;
