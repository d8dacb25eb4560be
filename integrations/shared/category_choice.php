<?php
/**
 * Which of a product's categories the feed names: the one that lies deepest, the most telling one.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

final class Vitrina_Category_Choice
{
    private const DEEPEST = 32;

    /** @var array<int, int> */
    private $parents = [];

    /** @param array<int, array{id: int, parent: int, name: string}> $categories */
    public function __construct(array $categories)
    {
        foreach ($categories as $category) {
            $this->parents[$category['id']] = $category['parent'];
        }
    }

    /**
     * @param array<int, int|string> $ids categories of one product
     * @return int 0 where none is known; of equally deep ones the first
     */
    public function of(array $ids): int
    {
        $chosen = 0;
        $deepest = -1;
        foreach ($ids as $id) {
            $id = (int) $id;
            $depth = isset($this->parents[$id]) ? $this->depth($id) : -1;
            if ($depth > $deepest) {
                [$chosen, $deepest] = [$id, $depth];
            }
        }
        return $chosen;
    }

    private function depth(int $id): int
    {
        $depth = 0;
        // a damaged tree may go round in a circle
        while (($id = $this->parents[$id] ?? 0) > 0 && $depth < self::DEEPEST) {
            ++$depth;
        }
        return $depth;
    }
}
